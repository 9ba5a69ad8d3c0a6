import Authentication
import Foundation
import JobProtocol
import Logging
import NIOCore
import ProtocolMessages
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Ingress

@Suite struct SpoolTests {
    private let folder: TemporaryFolder
    private let key: Ed25519PrivateKey

    init() throws {
        folder = try TemporaryFolder()
        key = try Ed25519PrivateKey.generate()
    }

    /// A life of the ingress with this folder. The lock of the one before goes with its process, so here each life has a folder of its
    /// own and the files are carried over.
    private final class Life {
        let spool: Spool
        let disk: FaultyDisk
        private let folder: TemporaryFolder
        private var path: String { folder.path }

        init(_ folder: TemporaryFolder, key: Ed25519PrivateKey, bytes: Int = 1024 * 1024, deliveries: Int = 100) throws {
            self.folder = folder
            let path = folder.path
            disk = try FaultyDisk(path)
            spool = try Spool(
                SpoolSettings(directory: path, maximumBytes: bytes, maximumDeliveries: deliveries, keep: 60_000), disk: disk,
                keys: TrustedKeys(["ingress": key.publicKey]), metrics: SpoolMetrics(MetricsRegistry()),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            spool.start()
        }

        deinit { spool.stop() }

        var files: [String] {
            get throws { try FileManager.default.contentsOfDirectory(atPath: path).filter { $0 != "lock" }.sorted() }
        }

        /// The files, in a folder of their own.
        func copy(_ change: (URL) throws -> Void = { _ in }) throws -> TemporaryFolder {
            let copy = try TemporaryFolder()
            for file in try files {
                try FileManager.default.copyItem(atPath: "\(path)/\(file)", toPath: "\(copy.path)/\(file)")
            }
            try change(URL(filePath: copy.path))
            return copy
        }
    }

    private func request(_ event: String, hook: String = "github", body: [UInt8] = []) -> WireJobRequest {
        .with {
            $0.jobID = Random.uuidV7()
            $0.hook = hook
            $0.job = "deploy"
            $0.eventID = event
            $0.dedupeKey = event
            $0.bodyDigest = .init(SHA256.hash(body))
            $0.issuedAtMs = Samples.now
            $0.expiresAtMs = Samples.now + 60_000
        }
    }

    private func signed(_ request: WireJobRequest, by key: Ed25519PrivateKey? = nil, body: [UInt8]? = nil) throws -> SignedRequest
    {
        try SignedRequest(request, body: body.map { ByteBuffer(bytes: $0) }, keyID: "ingress", key: key ?? self.key)
    }

    /// Keeps them all at once and waits for what became of each.
    private func keep(_ signed: [SignedRequest], in spool: Spool) -> [String] {
        let answers = Mutex<[Int: String]>([:])
        let done = DispatchSemaphore(value: 0)
        for (index, signed) in signed.enumerated() {
            spool.keep(signed, mayBeKnown: false) { kept in
                let word =
                    switch kept {
                    case .stored(let job): job == signed.request.jobID ? "stored" : "stored as another"
                    case .duplicate(let job): "duplicate \(job)"
                    case .contradiction: "contradiction"
                    case .full: "full"
                    case .failed: "failed"
                    }
                answers.withLock { $0[index] = word }
                done.signal()
            }
        }
        for _ in signed { done.wait() }
        return answers.withLock { answers in signed.indices.map { answers[$0] ?? "" } }
    }

    private func read(_ entry: SpoolIndex.Entry, in spool: Spool) throws -> SpoolRecord? {
        let result = Mutex<Result<SpoolRecord?, SpoolError>?>(nil)
        let done = DispatchSemaphore(value: 0)
        spool.read(entry) { read in
            result.withLock { $0 = read }
            done.signal()
        }
        done.wait()
        return try result.withLock { $0 }?.get()
    }

    @Test func `what was kept is there after the end of the process, whole and in order, until it is finished`() throws {
        let life = try Life(folder, key: key)
        let requests = (0..<20).map { request("e\($0)", body: [UInt8($0)]) }
        #expect(
            try keep(requests.map { try signed($0, body: [7, UInt8($0.eventID.dropFirst()) ?? 0]) }, in: life.spool)
                == requests.map { _ in "stored" })
        let copy = try life.copy()
        let next = try Life(copy, key: key)
        #expect(next.spool.count == 20)
        for request in requests {
            let entry = try #require(next.spool.takeReady(now: 0).first)
            #expect(entry.jobID == request.jobID)
            #expect(entry.mayBeKnown)
            let record = try #require(try read(entry, in: next.spool))
            #expect(record.body == [7, UInt8(request.eventID.dropFirst()) ?? 0])
            #expect(try record.signed(by: TrustedKeys(["ingress": key.publicKey])).request == request)
            next.spool.finish(entry.jobID)
        }
        next.spool.stop()
        #expect(try next.files.isEmpty)
        #expect(next.spool.bytes == 0)
    }

    @Test func `deliveries that come together share one flush`() throws {
        let life = try Life(folder, key: key)
        // The first is on its way while the others gather.
        let requests = try (0..<50).map { try signed(request("e\($0)")) }
        #expect(keep(requests, in: life.spool).allSatisfy { $0 == "stored" })
        #expect(life.disk.syncs.load(ordering: .relaxed) < 25)
    }

    @Test func `what is finished does not come back, although others of its segment wait`() throws {
        let life = try Life(folder, key: key)
        let requests = (0..<3).map { request("e\($0)") }
        _ = keep(try requests.map { try signed($0) }, in: life.spool)
        life.spool.finish(requests[1].jobID)
        life.spool.stop()
        let next = try Life(try life.copy(), key: key)
        #expect(next.spool.count == 2)
        #expect(next.spool.job("e1") == nil)
    }

    @Test func `the same event is kept once, also while it is being written`() throws {
        let life = try Life(folder, key: key)
        let (one, other) = (request("e"), request("e"))
        let answers = keep([try signed(one), try signed(other)], in: life.spool)
        #expect(answers == ["stored", "duplicate \(one.jobID)"])
        #expect(keep([try signed(request("e", body: [1]))], in: life.spool) == ["contradiction"])
    }

    @Test func `a full spool takes nothing more`() throws {
        let life = try Life(folder, key: key, deliveries: 2)
        #expect(keep(try (0..<3).map { try signed(request("e\($0)")) }, in: life.spool) == ["stored", "stored", "full"])
        #expect(!life.spool.takesMore)
    }

    @Test func `a disk that fails promises nothing, and what was refused does not come back`() throws {
        for fault in [\FaultyDisk.Faults.append, \.sync, \.create] {
            let folder = try TemporaryFolder()
            let life = try Life(folder, key: key)
            life.disk.faults.withLock { $0[keyPath: fault] = true }
            #expect(keep([try signed(request("lost"))], in: life.spool) == ["failed"])
            #expect(!life.spool.takesMore)
            #expect(life.spool.count == 0)
            life.disk.faults.withLock { $0[keyPath: fault] = false }
            #expect(keep([try signed(request("kept"))], in: life.spool) == ["stored"])
            #expect(life.spool.takesMore)
            let next = try Life(try life.copy(), key: key)
            #expect(next.spool.job("lost") == nil)
            #expect(next.spool.job("kept") != nil)
        }
    }

    @Test func `a write that ends in the middle leaves nothing behind it`() throws {
        let life = try Life(folder, key: key)
        #expect(keep([try signed(request("first"))], in: life.spool) == ["stored"])
        life.disk.faults.withLock { $0.torn = 60 }
        #expect(keep([try signed(request("torn"))], in: life.spool) == ["failed"])
        life.disk.faults.withLock { $0.torn = nil }
        #expect(keep([try signed(request("last"))], in: life.spool) == ["stored"])
        let copy = try life.copy()
        let next = try Life(copy, key: key)
        #expect(next.spool.count == 2)
        #expect(try next.files.allSatisfy { $0.hasSuffix(".spool") })
    }

    @Test func `a damaged record is set aside and the others go on`() throws {
        let life = try Life(folder, key: key)
        let requests = (0..<3).map { request("e\($0)") }
        for request in requests { _ = keep([try signed(request)], in: life.spool) }
        let copy = try life.copy { folder in
            let file = folder.appending(path: SpoolWriter.name(1))
            var bytes = [UInt8](try Data(contentsOf: file))
            bytes[bytes.count / 2] ^= 1
            try Data(bytes).write(to: file)
        }
        let next = try Life(copy, key: key)
        #expect(next.spool.count == 2)
        #expect(next.spool.job("e1") == nil)
        #expect(next.spool.metrics.damaged.value == 1)
        #expect(try next.files.count { $0.hasSuffix(".damaged") } == 1)
        // Found again it is not kept twice.
        let third = try Life(try next.copy(), key: key)
        #expect(try third.files.count { $0.hasSuffix(".damaged") } == 1)
    }

    @Test func `a file with the last of all numbers is no segment, and ends nothing`() throws {
        try Data().write(to: URL(filePath: folder.path).appending(path: SpoolWriter.name(.max)))
        let life = try Life(folder, key: key)
        _ = keep([try signed(request("e0"))], in: life.spool)
        #expect(life.spool.count == 1)
    }

    @Test func `what another key signed is set aside and never handed over`() throws {
        let life = try Life(folder, key: key)
        _ = keep([try signed(request("mine")), try signed(request("forged"), by: Ed25519PrivateKey.generate())], in: life.spool)
        let next = try Life(try life.copy(), key: key)
        #expect(next.spool.count == 1)
        #expect(next.spool.job("forged") == nil)
        #expect(try next.files.count { $0.hasSuffix(".damaged") } == 1)
    }

    @Test func `of a delivery that was signed anew the newest counts, in its old place`() throws {
        let life = try Life(folder, key: key)
        let requests = (0..<2).map { request("e\($0)") }
        _ = keep(try requests.map { try signed($0) }, in: life.spool)
        let entry = try #require(life.spool.takeReady(now: 0).first)
        let old = try #require(try read(entry, in: life.spool))
        var renewed = requests[0]
        renewed.expiresAtMs += 60_000
        let record = SpoolRecord(
            order: old.order, generation: 1, storedAt: old.storedAt, envelope: try signed(renewed).envelope.serializedBytes(),
            body: nil)
        // As if everything had stopped before the old one was marked as done.
        let before = try Data(contentsOf: URL(filePath: "\(folder.path)/\(SpoolWriter.name(1))"))
        let copy = try life.copy { folder in
            try (before + record.encoded()).write(to: folder.appending(path: SpoolWriter.name(1)))
        }
        let next = try Life(copy, key: key)
        #expect(next.spool.count == 2)
        let first = try #require(next.spool.takeReady(now: 0).first)
        #expect(first.jobID == requests[0].jobID)
        #expect(first.generation == 1)
        #expect(try read(first, in: next.spool) == record)
        next.spool.finish(requests[0].jobID)
        next.spool.finish(requests[1].jobID)
        next.spool.stop()
        #expect(try next.files.isEmpty)
    }

    @Test func `of what is set aside as many are kept as the limit says, the oldest go first`() throws {
        let disk = try FaultyDisk(folder.path)
        let writer = SpoolWriter(disk, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let old = (0..<SpoolWriter.maximumSetAside).map { "\(1_000_000 + $0)-x.refused" }
        for name in old { _ = try folder.write(name, [1]) }
        writer.restore([:], setAside: Dictionary(uniqueKeysWithValues: old.map { ($0, 1) }))
        writer.setAside([1], as: "2000000-x.refused")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(!names.contains(old[0]))
        #expect(names.contains(old[1]))
        #expect(names.contains("2000000-x.refused"))
    }

    @Test func `a folder that others can enter, or that is none, is refused`() throws {
        try folder.setMode(0o750)
        #expect(throws: SpoolError.self) { try SpoolFolder(path: folder.path, number: 0) }
        try folder.setMode(0o700)
        #expect(throws: Never.self) { try SpoolFolder(path: folder.path, number: 0) }
        #expect(throws: SpoolError.self) { try SpoolFolder(path: "\(folder.path)/none", number: 0) }
        let file = try folder.write("file", [1])
        #expect(throws: SpoolError.self) { try SpoolFolder(path: file, number: 0) }
    }
}
