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

    /// Name of the hook and its job, what the hook says, and what its job says besides.
    private static let kinds: [(name: String, hook: String, job: String)] = [
        ("once", "respond: sync\n    wait: 5s", "interrupted: unknown"),
        ("later", "respond: async", "interrupted: unknown"),
        ("stored", "respond: async\n    wait: 2s\n    when-executor-away: spool", "interrupted: unknown"),
        (
            "again", "respond: sync\n    wait: 8s",
            "interrupted: retry\n    retry: { attempts: 5, backoff: 200ms, max-backoff: 1s, exit-codes: [75] }"
        ),
    ]
    private static let repeatable: Set = ["again"]

    /// Each writes down that it begins, and on which host, and that it comes to its end; some runs of the one that may run again fail.
    private static let jobs = kinds.map { name, _, more in
        """
          \(name):
            command: [sh, -c, 'echo "begin $1 $SOAK_HOST" >> \(file); sleep "0.0$(($$ % 10))"; \
        \(repeatable.contains(name) ? "test $(($$ % 5)) -gt 0 || exit 75; " : "")echo "end $1" >> \(file)', sh, "{id}"]
            destinations: [web-1]
            parameters: { id: { pattern: "[a-z0-9-]+" } }
            timeout: 30s
            \(more)

        """
    }.joined()

    private static let hooks = kinds.map { name, hook, _ in
        DeliveryTests.hook(name, "\(hook)\n    parameters: { id: { payload: /id } }")
    }.joined()

    private let bed: TestBed
    private let handles: SoakHandles

    init() throws {
        bed = try TestBed.spooling(jobs: Self.jobs, hooks: Self.hooks)
        bed.server.stop(SIGKILL)
        try bed.server.present(as: "right")
        try bed.server.start()
        handles = try SoakHandles(bed)
        try bed.start()
    }

    @Test func `after faults of every kind senders, journal and host agree, and neither gate has grown`() throws {
        defer {
            handles.relay.stop()
            try? FileManager.default.removeItem(atPath: Self.file)
        }
        Self.say("seed \(Self.seed)")
        let record = SoakRecord()
        let senders = (0..<Self.senders).map {
            SoakSender(
                index: $0, port: bed.httpPort, hooks: Self.kinds.map(\.name), record: record, seed: Self.seed &+ UInt64($0) &+ 1)
        }
        var faults = SoakFaults(bed, handles, seed: Self.seed, freeze: Self.minutes == nil ? 0.3...0.6 : 1...3)
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
        try beCalm(senders)
        for sender in senders { sender.stop() }
        try settle()
        let checker = try SoakChecker(
            record.all, journal: bed.allJobs(), file: Self.file, hooks: Self.kinds.map(\.name), repeatable: Self.repeatable)
        let counts = faults.counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.key.rawValue) \($0.value)" }
        Self.say(
            """
            faults \(faults.counts.values.reduce(0, +)): \(counts.joined(separator: ", ")); sockets that came back without a \
            restart \(faults.socketsRecovered)
            \(checker.table)
            """)
        for text in checker.disagreements { Self.say("disagreement: \(text)") }
        #expect(checker.disagreements.isEmpty, "\(checker.disagreements.count), each is listed above")
        #expect(bed.spooled("damaged").isEmpty && bed.spooled("refused").isEmpty && bed.spooled("expired").isEmpty)
        // Nothing is proved by senders that were never served.
        for kind in Self.kinds { #expect(checker.accepted(kind.name) > 0, "\(kind.name)") }
        #expect(checker.count("succeeded") > 0 && checker.repeats > 0)
    }

    /// Load without faults; what each gate has of memory, descriptors and threads must be the same before and after.
    private func beCalm(_ senders: [SoakSender]) throws {
        // All that one run of the executor makes when it is first used is there after some load.
        try settle(senders)
        for sender in senders { sender.resume() }
        usleep(UInt32(Self.calm * 1_000_000))
        try settle(senders)
        let before = try figures()
        for sender in senders { sender.resume() }
        usleep(UInt32(Self.calm * 2_000_000))
        try settle(senders)
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
    private func settle(_ senders: [SoakSender] = []) throws {
        for sender in senders { sender.pause() }
        try #require(
            try eventually(within: 200) {
                try bed.metric("sallyport_executors_connected") == 1 && bed.metric("sallyport_spool_deliveries") == 0
                    && bed.metric("sallyport_requests_pending") == 0 && bed.unfinished() == 0
            }, "\(bed.ingress.text.suffix(1000)) \(bed.executor.text.suffix(2000))")
    }

    private static func say(_ text: String) { FileHandle.standardError.write(Data("soak: \(text)\n".utf8)) }
}
