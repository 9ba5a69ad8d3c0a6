import Audit
import Authentication
import JobProtocol
import Logging
import ProtocolMessages
import Settings
import SwiftProtobuf

/// The journal on a real file, each commit of it durable.
extension Case {
    static let journal: [Case] = [
        .waiting("journal: claim of the same envelope again", counted: 50) { folder in
            let bench = try JournalBench(folder)
            let claim = try bench.claim(Samples.request())
            guard case .claimed = try await bench.journal.claim(claim) else { throw Unexpected("not claimed") }
            return {
                guard case .known = try await bench.journal.claim(claim) else { throw Unexpected("not known") }
            }
        },
        .waiting("journal: claim of an event that has a job", counted: 50) { folder in
            let bench = try JournalBench(folder)
            guard case .claimed = try await bench.journal.claim(bench.claim(Samples.request())) else {
                throw Unexpected("not claimed")
            }
            let other = try bench.claim(Samples.request(Random.uuidV7()))
            return {
                guard case .duplicate = try await bench.journal.claim(other) else { throw Unexpected("no duplicate") }
            }
        },
        .waiting("journal: a job's claim and its result", counted: 20) { folder in
            let bench = try JournalBench(folder)
            return { try await bench.runOne() }
        },
        .waiting("journal: 32 jobs at once, claim and result", counted: 2) { folder in
            let bench = try JournalBench(folder)
            return {
                try await withThrowingTaskGroup { group in
                    for _ in 0..<32 { group.addTask { try await bench.runOne() } }
                    try await group.waitForAll()
                }
            }
        },
    ]
}

/// A new journal with its audit log.
private struct JournalBench: Sendable {
    let journal: SQLiteJournal
    private let signature: [UInt8]

    init(_ folder: String) throws {
        let key = try Samples.key()
        signature = [UInt8](try Samples.sign(Samples.request(), key).0.signature)
        let path = "\(folder)/\(Random.uuidV7())"
        let audit = AuditSettings(path: "\(path)-audit", origin: "sallyport/executor", key: key)
        journal = try SQLiteJournal(
            path: "\(path).db", audit: audit, in: AuditDirectory(path: audit.path, number: nil),
            logger: Logger(label: "journal") { _ in SwiftLogNoOpLogHandler() })
    }

    /// What the executor claims for a request that it accepts, the records of the audit log with it. The signature, which the journal only
    /// keeps, is another request's.
    func claim(_ request: WireJobRequest) throws -> JobClaim {
        let payload: [UInt8] = try request.serializedBytes()
        let digest = SHA256.hash(payload)
        let delivery = AuditEvent(
            .delivery, at: Samples.now,
            [
                ("job", .text(request.jobID)), ("ingress", "edge"), ("key", .text(Samples.keyID)), ("hook", "github"),
                ("event", .text(request.eventID)), ("request", .text(Hex.encode(digest))),
            ])
        let decision = AuditEvent(.decision, at: Samples.now, [("job", .text(request.jobID)), ("decision", "accepted")])
        return JobClaim(
            request: request, payload: payload, keyID: Samples.keyID, signature: signature, digest: digest, ingress: "edge",
            body: nil,
            hosts: ["web-1"], replay: nil, status: .running, refusal: nil, expired: false, now: Samples.now,
            events: [delivery, decision])
    }

    func runOne() async throws {
        let request = Samples.request(Random.uuidV7(), event: Random.uuidV7())
        guard case .claimed = try await journal.claim(claim(request)) else { throw Unexpected("not claimed") }
        try await journal.finish(request.jobID, Samples.result(request), [])
    }
}
