import JSON
import ProtocolMessages
import SwiftProtobuf
import Testing

@testable import Ingress

@Suite struct JobAnswerTests {
    private func answer(_ status: WireJobStatus, _ reason: WireReason = .unspecified, duplicate: Bool = false) -> Answer {
        JobAnswer.answer(
            .with {
                $0.jobID = "id-1"
                $0.originalJobID = duplicate ? "id-0" : "id-1"
                $0.status = status
                $0.reason = reason
                $0.duplicate = duplicate
            })
    }

    @Test(
        arguments: [
            (.succeeded, .unspecified, 200, "succeeded"), (.accepted, .unspecified, 202, "accepted"),
            (.running, .unspecified, 202, "running"), (.failed, .exitCode, 500, "failed"), (.failed, .cancelled, 500, "failed"),
            (.failed, .unreachable, 502, "failed"), (.failed, .hostKey, 502, "failed"), (.failed, .authentication, 502, "failed"),
            (.failed, .hostUnsuitable, 502, "failed"), (.dead, .unreachable, 502, "dead"), (.dead, .exitCode, 500, "dead"),
            (.timedOut, .timeout, 504, "timed-out"), (.unknown, .outcomeUnknown, 500, "unknown"),
            (.unspecified, .unspecified, 500, "unknown"), (.UNRECOGNIZED(77), .unspecified, 500, "unknown"),
            (.refused, .policy, 422, "refused"), (.refused, .parameter, 422, "refused"), (.refused, .token, 401, "refused"),
            (.refused, .busy, 429, "refused"), (.refused, .journal, 503, "refused"), (.refused, .expired, 503, "refused"),
            (.refused, .UNRECOGNIZED(77), 500, "refused"),
        ] as [(WireJobStatus, WireReason, Int, String)])
    func `each end of a job has its status`(status: WireJobStatus, reason: WireReason, code: Int, word: String) throws {
        let answer = answer(status, reason)
        #expect(Int(answer.status.code) == code)
        #expect(try answer.json()["status"] == .string(word))
        #expect(answer.header("Content-Type") == "application/json")
    }

    @Test func `only success is 200, and only what is durable is 202, whatever reason stands beside it`() {
        for status in WireJobStatus.allCases {
            for reason in WireReason.allCases {
                let code = answer(status, reason).status.code
                #expect((code == 200) == (status == .succeeded), "\(status) \(reason)")
                #expect((code == 202) == (status == .accepted || status == .running), "\(status) \(reason)")
                #expect(code < 300 || code >= 400)
            }
        }
    }

    @Test func `what clears by itself says when to come again`() {
        for reason in [WireReason.busy, .journal, .expired] {
            #expect(answer(.refused, reason).header("Retry-After") == "5", "\(reason)")
        }
        #expect(answer(.refused, .policy).header("Retry-After") == nil)
    }

    @Test func `a refused token is answered with the scheme`() {
        #expect(answer(.refused, .token).header("WWW-Authenticate")?.hasPrefix("Bearer ") == true)
    }

    @Test func `a job that goes on is to be found at its location, which is the first one's for a duplicate`() {
        #expect(answer(.running).header("Location") == "/jobs/id-1")
        #expect(answer(.accepted, duplicate: true).header("Location") == "/jobs/id-0")
        let accepted = JobAnswer.accepted(jobID: "id-2", correlationID: "c", duplicate: false)
        #expect(accepted.status == .accepted)
        #expect(accepted.header("Location") == "/jobs/id-2")
    }

    @Test func `a stored success says that it is one`() throws {
        #expect(answer(.succeeded, duplicate: true).header("Idempotency-Replayed") == "true")
        #expect(answer(.succeeded).header("Idempotency-Replayed") == nil)
        #expect(answer(.failed, .exitCode, duplicate: true).header("Idempotency-Replayed") == nil)
        #expect(try answer(.succeeded, duplicate: true).json()["duplicate"] == .bool(true))
    }

    @Test func `what was handed over and not confirmed is unknown, never success`() throws {
        let answer = JobAnswer.unconfirmed(jobID: "id-3", correlationID: "c")
        #expect(answer.status == .internalServerError)
        #expect(try answer.json()["status"] == .string("unknown"))
        #expect(try answer.json()["job"] == .string("id-3"))
    }

    @Test func `the body has every member, with the first destination's output in front`() throws {
        let result = WireJobResult.with {
            $0.jobID = "id-1"
            $0.originalJobID = "id-0"
            $0.status = .failed
            $0.reason = .exitCode
            $0.error = "web-1: exit code 3"
            $0.correlationID = "c-1"
            $0.attempts = 2
            $0.durationMs = 1234
            $0.destinations = [
                .with {
                    $0.destination = "web-1"
                    $0.status = .failed
                    $0.reason = .exitCode
                    $0.exitCode = 3
                    $0.stdout = .init("out".utf8)
                    $0.stderr = .init("err".utf8)
                    $0.stdoutTotal = 70_000
                    $0.stderrTotal = 3
                    $0.error = "exit code 3"
                    $0.durationMs = 1000
                },
                .with {
                    $0.destination = "web-2"
                    $0.status = .timedOut
                    $0.reason = .timeout
                    $0.groupGone = true
                },
            ]
        }
        #expect(
            try JobAnswer.answer(result).json()
                == JSONValue.parse(
                    #"""
                    {"job": "id-0", "status": "failed", "reason": "exit-code", "exitCode": 3, "stdout": "out", "stderr": "err",
                     "error": "web-1: exit code 3", "correlationId": "c-1", "attempts": 2, "durationMs": 1234, "duplicate": false,
                     "destinations": [
                       {"destination": "web-1", "status": "failed", "reason": "exit-code", "exitCode": 3, "stdout": "out",
                        "stderr": "err", "stdoutBytes": 70000, "stderrBytes": 3, "error": "exit code 3", "durationMs": 1000},
                       {"destination": "web-2", "status": "timed-out", "reason": "timeout", "exitCode": null, "stdout": "",
                        "stderr": "", "stdoutBytes": 0, "stderrBytes": 0, "error": "", "durationMs": 0, "processGone": true}]}
                    """#.utf8))
    }

    @Test func `without a destination the members are there all the same`() throws {
        let json = try answer(.refused, .policy).json()
        #expect(json["exitCode"] == .null)
        #expect(json["stdout"] == .string(""))
        #expect(json["destinations"] == .array([]))
    }

    @Test func `output that is no text, or would be markup or a control sequence, stays inside its string`() throws {
        let result = WireJobResult.with {
            $0.status = .succeeded
            $0.destinations = [.with { $0.stdout = .init([0xff, 0x22, 0x5c, 0x0a, 0x1b, 0x00, 0x41]) }]
        }
        let answer = JobAnswer.answer(result)
        #expect(try answer.json()["stdout"]?.string == "\u{fffd}\"\\\n\u{1b}\0A")
        #expect(answer.body.allSatisfy { $0 >= 0x20 })
    }
}
