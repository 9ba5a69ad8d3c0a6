import Foundation
import Glibc
import TestSupport
import Testing

/// How long it is to be; nil for the short version.
private let soakMinutes = ProcessInfo.processInfo.environment["SALLYPORT_SOAK_MINUTES"].flatMap { Double($0) }

/// All kinds of faults in random order, under load of all kinds of hooks, then calm: at the end what senders were told is compared with
/// the journal and with what the host wrote down, and neither gate may have grown.
///
/// `scripts/soak MINUTES` for the long version. SALLYPORT_SOAK_SEED brings the same faults in the same order; when each of them meets
/// what, the machine decides.
@Suite(.serialized, .timeLimit(.minutes(Int(soakMinutes ?? 0) + 12)))
struct SoakTests {
    private static let minutes = soakMinutes
    private static let seed =
        ProcessInfo.processInfo.environment["SALLYPORT_SOAK_SEED"].flatMap { UInt64($0) } ?? 20_260
    private static let file = "/tmp/sallyport-soak-\(UUID().uuidString.prefix(8))"
    private static let senders = 6
    /// Seconds of load without faults, before the first sample and between the two.
    private static let calm = minutes.map { min($0 * 60 / 4, 60) / 3 } ?? 1
    /// Seconds with faults; the short version has each kind once, however long that takes.
    private static let faults = minutes.map { $0 * 60 - calm * 3 } ?? 0

    /// MiB of each disk: more than the journal of a calm run of that length needs.
    private static let disk = 32 + Int(minutes ?? 0) * 16

    private let bed: TestBed
    private let handles: SoakHandles

    init() throws {
        bed = try TestBed.spooling(jobs: SoakKind.jobs(writingTo: Self.file), hooks: SoakKind.hooks)
        bed.server.stop(SIGKILL)
        try bed.server.present(as: "right")
        try bed.server.start()
        handles = try SoakHandles(bed, mebibytes: Self.disk)
        try bed.start()
        // An ingress with a spool is ready without an executor.
        try #require(try eventually { try bed.command(["status"]).code == 0 }, "\(bed.executor.text)")
    }

    @Test func `after faults of every kind senders, journal and host agree, and neither gate has grown`() throws {
        defer {
            handles.stop()
            try? FileManager.default.removeItem(atPath: Self.file)
        }
        Self.say("seed \(Self.seed)")
        let record = SoakRecord()
        let token = try bed.mint(["--lifetime", "86400"])
        let load = SoakLoad(
            senders: (0..<Self.senders).map {
                SoakSender(index: $0, port: bed.httpPort, token: token, record: record, seed: Self.seed &+ UInt64($0) &+ 1)
            }, admin: SoakOperator(bed, record: record, seed: Self.seed &- 1))
        var faults = SoakFaults(bed, handles, record, seed: Self.seed, freeze: Self.minutes == nil ? 0.3...0.6 : 1...3)
        var pauses = SeededNumbers(~Self.seed)
        let begun = Date()
        while !faults.isComplete || Date().timeIntervalSince(begun) < Self.faults {
            try faults.next()
            usleep(UInt32.random(in: 200_000...(Self.minutes == nil ? 400_000 : 1_400_000), using: &pauses))
            // Each kind comes within the first round; one that does not will not.
            if Date().timeIntervalSince(begun) > Self.faults + 240 { break }
        }
        Self.say("faults took \(Int(Date().timeIntervalSince(begun))) s")
        #expect(faults.isComplete, "\(faults.counts)")
        #expect(faults.deaths.isEmpty, "\(faults.deaths)")
        // Hosts that failed are left alone for a while; an operator's look at them brings them back.
        _ = eventually(within: 60) { (try? bed.command(["hosts", "check", "--all"]).code) == 0 }
        try beCalm(load)
        load.stop()
        try settle()
        // Looks at hosts are jobs without an event.
        let journal = try bed.allJobs().filter { !$0.key.isEmpty }
        let checker = SoakChecker(
            SoakChecker.Evidence(
                answers: record.all, replays: record.allReplays, cancelled: record.cancelled, journal: journal,
                details: try details(of: journal.values.joined(), token), hosts: try SoakHostRecord(Self.file),
                outages: faults.outages))
        let counts = faults.counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.key.rawValue) \($0.value)" }
        Self.say(
            """
            faults \(faults.counts.values.reduce(0, +)) of \(faults.counts.count) kinds: \(counts.joined(separator: ", ")); sockets that \
            came back without a restart \(faults.socketsRecovered); starts that a full disk refused \(faults.startsRefused)\
            \(handles.disks == nil ? "; NO full disks, for which this must run as root" : "")
            told that the journal cannot be written \(record.count("the journal cannot be written")), the spool \
            \(record.count("the spool cannot be written"))
            \(checker.text)
            """)
        for text in checker.disagreements { Self.say("disagreement: \(text)") }
        #expect(checker.disagreements.isEmpty, "\(checker.disagreements.count), each is listed above")
        for ending in ["damaged", "refused", "expired"] { #expect(try handles.spooled(ending).isEmpty, "\(ending)") }
        // Nothing is proved by senders that were never served.
        for kind in SoakKind.all where kind.name != "slow" { #expect(checker.accepted(kind.name) > 0, "\(kind.name)") }
        #expect(checker.count("succeeded") > 0 && checker.count("timed-out") > 0 && checker.cancelled > 0)
        #expect(checker.repeats > 0 && !record.allReplays.isEmpty)
        let verified = try bed.audit("verify", log: handles.disks?.outside(handles.audit))
        #expect(verified.code == 0, "\(verified.output) \(verified.errors)")
    }

    /// Each job as its sender can ask after it.
    private func details(of jobs: some Sequence<[String: Any]>, _ token: String) throws -> [String: [String: Any]] {
        let connection = try HTTPConnection(port: bed.httpPort)
        var details: [String: [String: Any]] = [:]
        for job in jobs where job["status"] as? String != "refused" {
            guard let id = job["job"] as? String else { continue }
            let answer = try connection.get("/jobs/\(id)", headers: ["Authorization: Bearer \(token)"])
            #expect(answer.status == 200, "\(id): \(String(decoding: answer.body, as: UTF8.self))")
            details[id] = SoakSender.json(answer.body)
        }
        return details
    }

    /// Load without faults; what each gate has of memory, descriptors and threads must be the same before and after.
    private func beCalm(_ load: SoakLoad) throws {
        // All that one run of the executor makes when it is first used is there after some load.
        try settle(load)
        load.resume()
        usleep(UInt32(Self.calm * 1_000_000))
        try settle(load)
        let before = try figures()
        load.resume()
        usleep(UInt32(Self.calm * 2_000_000))
        try settle(load)
        let after = try figures()
        for (old, new) in zip(before, after) {
            Self.say("calm: \(old.text) at the start, \(new.text) at the end")
            #expect(old.pid == new.pid, "\(old.name) is another process")
            #expect(new.descriptors <= old.descriptors + 2, "\(old.text), then \(new.text)")
            #expect(new.threads <= old.threads + 2, "\(old.text), then \(new.text)")
            #expect(Double(new.memory) <= Double(old.memory) * 1.2, "\(old.text), then \(new.text)")
        }
    }

    private struct Figures {
        let name: String
        let pid: Int32
        let memory: Int
        let descriptors: Int
        let threads: Int

        init(_ name: String, _ pid: Int32) {
            self.name = name
            self.pid = pid
            memory = ProcessFigures.anonymousMemory(pid)
            descriptors = ProcessFigures.descriptors(pid)
            threads = ProcessFigures.threads(pid)
        }

        var text: String { "\(name) \(memory) KiB RssAnon, \(descriptors) descriptors, \(threads) threads" }
    }

    private func figures() throws -> [Figures] {
        let all = [
            Figures("ingress", bed.ingress.pid), Figures("executor", try #require(bed.process("sallyport-executor run"))),
        ]
        try #require(all.allSatisfy { $0.memory > 0 && $0.descriptors > 0 && $0.threads > 0 })
        return all
    }

    /// Waits until everything that was accepted has ended and nothing waits anywhere.
    private func settle(_ load: SoakLoad? = nil) throws {
        load?.pause()
        try #require(
            try eventually(within: 200) {
                try bed.metric("sallyport_executors_connected") == 1 && bed.metric("sallyport_spool_deliveries") == 0
                    && bed.metric("sallyport_requests_pending") == 0 && bed.unfinished() == 0
            }, "\(bed.ingress.text.suffix(1000)) \(bed.executor.text.suffix(2000))")
    }

    private static func say(_ text: String) { FileHandle.standardError.write(Data("soak: \(text)\n".utf8)) }
}

/// All who ask something of the gates.
private struct SoakLoad {
    let senders: [SoakSender]
    let admin: SoakOperator

    func pause() {
        for sender in senders { sender.pause() }
        admin.pause()
    }

    func resume() {
        for sender in senders { sender.resume() }
        admin.resume()
    }

    func stop() {
        for sender in senders { sender.stop() }
        admin.stop()
    }
}
