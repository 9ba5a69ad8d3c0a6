import Audit
import Authentication
import Foundation
import JobProtocol
import Logging
import ProtocolMessages
import SwiftProtobuf
import TestSupport

@testable import Executor

/// Fills the journal of a bed whose executor does not run as that executor would: claims, notes and results through the journal's own door,
/// with their audit records, and as many in one transaction as there are at work.
struct JournalFiller {
    /// Jobs at work at once.
    static let inFlight = 1024
    /// Over so long a time the jobs are spread, the newest now.
    static let span: Int64 = 28 * 86_400_000

    /// Jobs after which the journal is closed and opened again, as by a restart of the executor: a new file of the audit log begins then.
    static let generation = 20_000

    private(set) var journal: any Journal
    let count: Int
    let now = WallClock.now()
    private let settings: ExecutorSettings
    private var policy: Policy { settings.policy }

    init(_ bed: TestBed, count: Int) throws {
        settings = try ExecutorSettings(file: bed.box.appending(path: "executor.yaml").path)
        self.count = count
        if let folder = settings.journal.store.folder {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        journal = try Self.open(settings)
    }

    private static func open(_ settings: ExecutorSettings) throws -> any Journal {
        try settings.journal.store.open(
            audit: settings.audit, in: AuditDirectory(path: settings.audit.path, number: nil),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// When that job was accepted.
    func time(_ index: Int) -> Int64 { now - Self.span + Int64(index) * Self.span / Int64(count) }

    /// Half of the jobs have one name; two a name of their own.
    func name(_ index: Int) -> String {
        if index == count / 3 || index == count / 2 { return "rare" }
        return index % 2 == 0 ? "deploy" : "job-\(index % 40)"
    }

    /// Half of the jobs run on one host, each hundredth on three.
    func hosts(_ index: Int) -> [String] {
        let main = index % 2 == 0 ? "web-1" : "web-\(index % 200)"
        return index % 100 == 0 ? [main, "db-1", "db-2"] : [main]
    }

    func status(_ index: Int) -> WireJobStatus {
        switch index % 1000 {
        case 10..<20: .failed
        case 20..<23: .timedOut
        case 23..<25: .dead
        case 25: .unknown
        default: .succeeded
        }
    }

    /// All jobs, finished, from the oldest on.
    mutating func fill() async throws {
        for first in stride(from: 0, to: count, by: Self.generation) {
            let filler = self
            try await work(first..<min(count, first + Self.generation)) { try await filler.job($0, isFinished: true) }
            journal.close()
            journal = try Self.open(settings)
        }
    }

    /// Runs `body` for each of a range, a bounded number at once.
    func work(_ range: Range<Int>, inFlight: Int = Self.inFlight, _ body: @escaping @Sendable (Int) async throws -> Void)
        async throws
    {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in range {
                if index - range.lowerBound >= inFlight { try await group.next() }
                group.addTask { try await body(index) }
            }
            try await group.waitForAll()
        }
    }

    /// What the executor writes of one job; `isFinished` false leaves it running.
    func job(_ index: Int, isFinished: Bool, name: String? = nil) async throws {
        let time = time(index)
        let hosts = hosts(index)
        let request = request(index, name: name ?? self.name(index), time)
        try await claim(request, on: hosts, at: time)
        for host in hosts {
            journal.noteLater(request.jobID, "started as process group \(10_000 + index % 20_000)", destination: host)
        }
        guard isFinished else { return }
        try await journal.finish(request.jobID, result(request, index, hosts), [])
    }

    /// Claims it as a job that begins at once.
    func claim(_ request: WireJobRequest, on hosts: [String], at time: Int64) async throws {
        let payload: [UInt8] = try request.serializedBytes()
        let digest = SHA256.hash(payload)
        let envelope = WireSignedEnvelope.with {
            $0.keyID = "ingress"
            $0.signature = Data(repeating: 7, count: 64)
        }
        let submission = Submission(
            envelope: envelope, payload: payload, request: request, digest: digest, ingress: "edge", body: nil)
        // One plan for all: what the audit log says of it has the same length.
        var planned = request
        planned.job = "deploy"
        let plan = try policy.plan(planned, from: "edge", now: time / 1000, tokenIsVerified: true)
        let events = AuditEvent.accepted(submission, plan, policy: policy.digest, starts: true, at: time)
        let claim = JobClaim(
            request: request, payload: payload, keyID: "ingress", signature: [UInt8](repeating: 7, count: 64), digest: digest,
            ingress: "edge", body: nil, hosts: hosts, status: .running, refusal: nil, expired: false, now: time, events: events)
        guard case .claimed = try await journal.claim(claim) else { throw TestBedError("job \(request.eventID) is not new") }
    }

    func request(_ index: Int, name: String, _ time: Int64) -> WireJobRequest {
        .with {
            $0.jobID = Random.uuidV7(milliseconds: time)
            $0.hook = name == "deploy" ? "github" : "hook-\(index % 8)"
            $0.job = name
            $0.parameters = [
                "sha": "6113728f27ae82c7b1a177c8d03f9e96e0adf246", "repository": "octo-org/octo-repo-\(index % 50)",
            ]
            $0.eventID = "evt_\(name)_\(index)"
            $0.attempt = 1
            $0.dedupeKey = Hex.encode(SHA256.hash(Array($0.eventID.utf8)))
            $0.bodyDigest = Data(SHA256.hash(Array("body \(index)".utf8)))
            $0.bodyLength = 8000
            $0.issuedAtMs = time
            $0.expiresAtMs = time + 60_000
            $0.waitUntilMs = time + 25_000
            $0.correlationID = "correlation-\(index)"
            $0.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
        }
    }

    private func result(_ request: WireJobRequest, _ index: Int, _ hosts: [String]) -> WireJobResult {
        let status = status(index)
        return .with {
            $0.jobID = request.jobID
            $0.status = status
            $0.reason = status == .succeeded ? .unspecified : .exitCode
            $0.error = status == .succeeded ? "" : "the command ended with exit code 1"
            $0.attempts = 1
            $0.durationMs = 250
            $0.finishedAtMs = request.issuedAtMs + 250
            $0.correlationID = request.correlationID
            $0.destinations = hosts.map { host in
                .with {
                    $0.destination = host
                    $0.status = status
                    $0.exitCode = status == .succeeded ? 0 : 1
                    $0.stdout = Data("deploying octo-org/octo-repo at 6113728f27ae82c7b1a177c8d03f9e96e0adf246\n".utf8)
                    $0.stdoutTotal = 74
                    $0.durationMs = 240
                }
            }
        }
    }
}
