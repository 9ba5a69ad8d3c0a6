import Foundation
import HookdeckStandIn
import JSON
import TestSupport
import Testing

/// How the stand-in tries again, and how much it has open, towards a destination that answers as a test says.
@Suite struct HookdeckRetryTests {
    private func rule(_ codes: String, count: Int = 3) throws -> RetryRule {
        try RetryRule(
            JSONValue.parse(
                Array(
                    #"{"type":"retry","strategy":"linear","interval":30000,"count":\#(count),"response_status_codes":[\#(codes)]}"#
                        .utf8)))
    }

    /// What becomes of one event.
    private func event(
        _ answers: [(status: Int, retryAfter: String?)], _ rule: RetryRule?, speed: Double = 1000
    ) throws -> HookdeckEvent {
        let destination = try ScriptedDestination(answers)
        let hookdeck = HookdeckStandIn(
            HookdeckConnection(port: destination.port, path: "/", retry: rule), secret: "s", speed: speed, timeout: 10 * speed)
        return try hookdeck.deliver("{}")
    }

    @Test func `what the rule leaves out is delivered once, what it covers as often as it says`() throws {
        #expect(try event([(404, nil)], rule(#""500-599""#)).statuses == [404])
        #expect(try event([(500, nil)], rule(#""500-599""#)).statuses == [500, 500, 500, 500])
        #expect(try event([(500, nil), (200, nil)], rule(#""500-599""#)).statuses == [500, 200])
        #expect(try event([(500, nil)], nil).statuses == [500])
    }

    @Test func `Retry-After takes the rule's place, needs none, and -1 ends all`() throws {
        let told = try event([(503, "5"), (404, "10"), (200, nil)], rule(#""500-599""#))
        #expect(told.statuses == [503, 404, 200])
        #expect(told.pauses[0] >= 5 && told.pauses[1] >= 10)
        #expect(try event([(503, "5"), (200, nil)], nil).statuses == [503, 200])
        #expect(try event([(500, "-1"), (200, nil)], rule(#""500-599""#)).statuses == [500])
    }

    @Test func `fifty automatic retries are all there are, whoever asks for more`() throws {
        let event = try event([(503, "1")], nil, speed: 200)
        #expect(event.attempts.count == 51)
        #expect(event.status == .failed)
    }

    @Test func `after a week there are none`() throws {
        let event = try event([(503, "60000")], nil, speed: 100_000)
        #expect((2...11).contains(event.attempts.count), "\(event.attempts.count)")
        #expect(event.status == .failed)
    }

    @Test func `a rule of negations alone retries successes, as was seen`() throws {
        #expect(try event([(200, nil)], rule(#""!410""#)).statuses == [200, 200, 200, 200])
        #expect(try event([(200, nil)], rule(#"">=300","!410""#)).statuses == [200])
    }

    @Test func `what is planned is announced, and left out on the last attempt`() throws {
        let event = try event([(500, nil)], rule(#""500""#, count: 2))
        #expect(event.attempts.map { $0.header("X-Hookdeck-Will-Retry-After") } == ["30", "30", nil])
    }

    @Test func `a rate lets so many begin within its period`() throws {
        let destination = try ScriptedDestination([(200, nil)])
        let hookdeck = HookdeckStandIn(
            HookdeckConnection(port: destination.port, path: "/", limit: .rate(5, per: 60)), secret: "s", timeout: 1000)
        for _ in 0..<20 { try hookdeck.receive(Array("{}".utf8)) }
        #expect(eventually(within: 20) { hookdeck.events.allSatisfy { $0.status == .successful } })
        let starts = hookdeck.events.flatMap(\.attempts).map(\.startedAt).sorted()
        for (first, sixth) in zip(starts, starts.dropFirst(5)) { #expect(sixth - first >= 60) }
    }

    @Test func `the sender's words for Hookdeck's own headers go nowhere`() throws {
        let destination = try ScriptedDestination([(200, nil)])
        let hookdeck = HookdeckStandIn(HookdeckConnection(port: destination.port, path: "/"), secret: "s", timeout: 1000)
        let id = try #require(
            try hookdeck.receive(
                [], headers: [("x-hookdeck-verified", "forged"), ("Idempotency-Key", "forged"), ("X-Other", "kept")]))
        let sent = try hookdeck.settled(id).attempts[0].headers
        #expect(!sent.contains { $0.value == "forged" })
        #expect(sent.contains { $0 == ("X-Other", "kept") })
    }

    @Test func `nobody there is a refused connection, and tried again`() throws {
        let port = try FreePort.next()
        let hookdeck = HookdeckStandIn(
            HookdeckConnection(port: port, path: "/", retry: try rule(#""500""#, count: 1)), secret: "s", speed: 1000)
        #expect(try hookdeck.deliver("{}").attempts.map(\.errorCode) == ["CONNECTION_REFUSED", "CONNECTION_REFUSED"])
    }
}
