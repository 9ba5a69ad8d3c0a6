import Foundation
import Glibc
import ProtocolMessages
import SwiftProtobuf
import TestSupport
import Testing

@testable import Executor

/// A journal with many finished jobs: lists, the start, and what is removed. A small one always; SALLYPORT_JOURNAL_JOBS=1000000 makes it
/// as large as is promised, prints the figures, and holds them to what the documentation says.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct JournalScaleTests {
    private static let size = ProcessInfo.processInfo.environment["SALLYPORT_JOURNAL_JOBS"].flatMap { Int($0) }
    private static let count = size ?? 3000
    /// Left running by the executor that was killed.
    private static let unfinished = 500

    private let bed: TestBed

    init() throws { bed = try TestBed(start: false) }

    private static func say(_ text: String) { if size != nil { FileHandle.standardError.write(Data("\(text)\n".utf8)) } }

    private static func milliseconds<T>(_ body: () throws -> T) rethrows -> (T, Double) {
        let begun = ContinuousClock.now
        let value = try body()
        return (
            value,
            Double((ContinuousClock.now - begun).components.attoseconds) / 1e15 + Double(
                (ContinuousClock.now - begun).components.seconds) * 1000
        )
    }

    @Test func `lists, single jobs and the start of an executor do not grow with what is finished`() async throws {
        try await fill()
        try bed.executor.start()
        try #require(eventually(within: 60) { bed.executor.text.contains("executor is ready") })
        try look()
        try restart()
        try await write()
    }

    /// How many jobs a second are accepted, and how long one waits at worst while old ones are removed.
    private func write() async throws {
        bed.executor.stop()
        let filler = try JournalFiller(bed, count: Self.count)
        defer { filler.journal.close() }
        for inFlight in [1, 8, 32] {
            let count = Self.size == nil ? 50 : 2000 * min(inFlight, 8)
            let begun = ContinuousClock.now
            try await filler.work(0..<count, inFlight: inFlight) { index in
                try await filler.job(index, isFinished: false, name: "in-flight-\(inFlight)")
            }
            let seconds = Double((ContinuousClock.now - begun).milliseconds) / 1000
            Self.say("\(inFlight) in flight: \(Int(Double(count) / seconds)) jobs accepted a second")
        }
        let before = try await waits(filler, "without-pruning")
        let cutoff = filler.now - JournalFiller.span / 2
        let pruning = Task {
            var removed = 0
            while !Task.isCancelled {
                removed += try await filler.journal.prune(before: cutoff, limit: Pruning.batch)
                try? await Task.sleep(for: Pruning.pause)
            }
            return removed
        }
        let during = try await waits(filler, "beside-pruning")
        pruning.cancel()
        let removed = try await pruning.value
        #expect(removed > 0)
        Self.say(
            "a claim takes at worst \(before) ms, and \(during) ms while \(removed) jobs are removed in batches of \(Pruning.batch)"
        )
        if Self.size != nil { #expect(during < 250) }
        // The unfinished ones are there, and what is younger.
        #expect(try await filler.journal.unfinished().count >= 150)
    }

    /// The longest of many claims, one after the other.
    private func waits(_ filler: JournalFiller, _ name: String) async throws -> Double {
        var longest = 0.0
        for index in 0..<(Self.size == nil ? 20 : 2000) {
            let request = filler.request(index, name: name, filler.now)
            let begun = ContinuousClock.now
            try await filler.claim(request, on: ["web-1"], at: filler.now)
            longest = max(longest, Double((ContinuousClock.now - begun).components.attoseconds) / 1e15)
        }
        return longest
    }

    private func fill() async throws {
        // What an executor reads of its audit log at the start is the newest file, whatever the journal has.
        try bed.append("audit: { segment-size: 1MiB }\n", to: "executor.yaml")
        var filler = try JournalFiller(bed, count: Self.count)
        let begun = ContinuousClock.now
        try await filler.fill()
        Self.say("\(Self.count) jobs written in \(ContinuousClock.now - begun)")
        let full = filler
        try await full.work(0..<Self.unfinished) { index in
            try await full.job(index, isFinished: false, name: "deploy-\(index)")
        }
        filler.journal.close()
        let path = bed.box.appending(path: "state/journal.db").path
        let bytes = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        Self.say("\(bytes / Self.count) bytes a job in the journal")
    }

    /// Every filter, and pairs of them, against what the filler says of its jobs.
    private func look() throws {
        let wire = try AdminWire(bed)
        let day: Int64 = 86_400_000
        let oldest = try #require(try wire.list { $0.limit = 1 }.first).acceptedAtMs - JournalFiller.span
        let searches: [(String, Int?, (inout WireListJobs) -> Void)] = [
            ("nothing", 50, { _ in }),
            ("limit 1000", 1000, { $0.limit = 1000 }),
            ("status succeeded", 50, { $0.status = .succeeded }),
            ("status dead", nil, { $0.status = .dead }),
            ("status refused (none)", 0, { $0.status = .refused }),
            ("job deploy", 50, { $0.job = "deploy" }),
            ("job rare (2)", 2, { $0.job = "rare" }),
            ("job nothing (none)", 0, { $0.job = "nothing" }),
            ("hook github", 50, { $0.hook = "github" }),
            ("hook hook-3", 50, { $0.hook = "hook-3" }),
            ("host web-1", 50, { $0.host = "web-1" }),
            ("host db-2", nil, { $0.host = "db-2" }),
            ("host web (none)", 0, { $0.host = "web" }),
            ("event id", 1, { $0.eventID = "evt_job-7_2007" }),
            ("correlation id", 2, { $0.correlationID = "correlation-7" }),
            ("since a day", nil, { $0.since(oldest + 27 * day) }),
            ("a day long ago", 50, { ($0.sinceMs, $0.untilMs) = (oldest + 2 * day, oldest + 3 * day) }),
            ("until long ago", 50, { $0.untilMs = oldest + 3 * day }),
            ("dead letters", nil, { $0.deadLetters = true }),
            ("dead letters of deploy", nil, { ($0.deadLetters, $0.job) = (true, "deploy") }),
            ("failed, of deploy", nil, { ($0.status, $0.job) = (.failed, "deploy") }),
            ("succeeded, of rare", nil, { ($0.status, $0.job) = (.succeeded, "rare") }),
            ("dead, on web-1 (half of all)", nil, { ($0.status, $0.host) = (.dead, "web-1") }),
            ("job-7 on web-7, failed (none)", 0, { ($0.status, $0.job, $0.host) = (.failed, "job-7", "web-7") }),
            ("github and job-7 (none)", 0, { ($0.hook, $0.job) = ("github", "job-7") }),
            (
                "deploy on db-1, a day long ago", nil,
                {
                    ($0.job, $0.host, $0.sinceMs, $0.untilMs) = ("deploy", "db-1", oldest + 2 * day, oldest + 3 * day)
                }
            ),
            ("deploy on web-3 (none)", 0, { ($0.job, $0.host) = ("deploy", "web-3") }),
            ("running", 0, { ($0.status, $0.untilMs) = (.running, oldest + day) }),
        ]
        for (name, expected, change) in searches {
            var all: [Double] = []
            var found: [WireJobRecord] = []
            for _ in 0..<5 {
                let (records, time) = try Self.milliseconds { try wire.list(change) }
                all.append(time)
                found = records
            }
            Self.say(
                name.padding(toLength: 34, withPad: " ", startingAt: 0) + all.map { String(format: "%8.1f", $0) }.joined()
                    + " ms, \(found.count) jobs")
            if let expected { #expect(found.count == expected, "\(name)") } else { #expect(!found.isEmpty, "\(name)") }
            #expect(found.map(\.acceptedAtMs) == found.map(\.acceptedAtMs).sorted(by: >), "\(name)")
            // What is shown is encoded, which takes its time with a thousand jobs and a debug build.
            if Self.size != nil { #expect(all.max() ?? 0 < (found.count > 50 ? 2000 : 100), "\(name)") }
        }
        let id = try #require(try wire.list { $0.job = "rare" }.last).jobID
        for name in [id, "evt_job-7_2007"] {
            let (parts, time) = try Self.milliseconds { try wire.ask(.with { $0.showJob = .with { $0.id = name } }) }
            Self.say("jobs show \(name): \(time) ms")
            #expect(parts.count == 1)
            if Self.size != nil { #expect(time < 100) }
        }
    }

    /// Kills the executor and reads from its log how long the next one took to serve.
    private func restart() throws {
        for _ in 0..<3 {
            let before = bed.executor.text.count
            kill(try #require(bed.process("sallyport-executor run")), SIGKILL)
            try #require(eventually(within: 60) { bed.executor.text.dropFirst(before).contains("executor is ready") })
            let lines = bed.executor.text.dropFirst(before).split(separator: "\n")
            let times = try ["\"started\"", "executor is ready"].map { text in
                let line = try #require(lines.first { $0.contains(text) })
                let value = try #require(line.firstMatch(of: /"@timestamp":"([^"]+)"/)).output.1
                return try Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(String(value))
            }
            let taken = times[1].timeIntervalSince(times[0])
            Self.say("start: \(taken) s")
            if Self.size != nil { #expect(taken < 3, "a debug build takes longer than a released one") }
        }
    }
}

extension WireListJobs {
    fileprivate mutating func since(_ time: Int64) { sinceMs = time }
}
