import Audit
import JSON
import Telemetry

/// The logs of several executors, each verified by itself, and then what runs between them.
struct AuditTogether {
    /// Logs that may be given.
    static let maximumLogs = 1024

    private struct Source {
        let folder: String
        let log: AuditLog
        let end: AuditLog.End?
        var checkpoints: [Checkpoint]
        let origin: String
    }

    /// A log that holds.
    struct Verified {
        let folder: String
        let outcome: AuditVerifier.Outcome
    }

    private let sources: [Source]

    /// Looks at the logs' ends and reads their checkpoints.
    ///
    /// - Parameter files: checkpoints that were kept elsewhere, of any of the logs.
    init(_ folders: [String], _ trust: CheckpointTrust, checkpoints files: [String]) throws {
        guard folders.count <= Self.maximumLogs else {
            throw CommandFailure("\(folders.count) folders; at most \(Self.maximumLogs) are verified together", code: .usage)
        }
        let logs = folders.map { AuditLog(path: $0, trust: trust) }
        // All of them before the first is read, which takes its time: who takes over later takes over from what was not read.
        let ends = try logs.map { try $0.end() }
        var sources: [Source] = []
        for (index, log) in logs.enumerated() {
            let checkpoints = try log.checkpoints().map(\.checkpoint)
            guard let origin = checkpoints.last?.origin else {
                throw CommandFailure(
                    "\(folders[index]): no checkpoint; is `checkpoints` there, beside the .audit files?", code: .failed)
            }
            if let other = sources.first(where: { $0.origin == origin }) {
                throw CommandFailure(
                    "\(other.folder) and \(folders[index]) are both the log of \(origin): give the log of each executor once",
                    code: .usage)
            }
            sources.append(.init(folder: folders[index], log: log, end: ends[index], checkpoints: checkpoints, origin: origin))
        }
        for file in files {
            for note in try AuditLogOptions.notes(file) {
                let checkpoint = try trust.open(note)
                guard let index = sources.firstIndex(where: { $0.origin == checkpoint.origin }) else {
                    throw CommandFailure(
                        "\(file): a checkpoint of \(checkpoint.origin), whose log is not given: give its folder, too",
                        code: .usage)
                }
                sources[index].checkpoints.append(checkpoint)
            }
        }
        self.sources = sources
    }

    /// Reads all of all logs.
    ///
    /// - Throws: ``CommandFailure`` with every log that does not hold.
    func read() throws -> (logs: [Verified], jobs: JobStories.Outcome) {
        var stories = JobStories()
        var verified: [Verified] = []
        var broken: [(folder: String, error: AuditError)] = []
        let progress = ReadingProgress()
        for source in sources {
            stories.begin(source.origin)
            do throws(AuditError) {
                let outcome = try source.log.verify(
                    source.checkpoints, until: source.end,
                    .init(record: { record, _ in
                        progress.count()
                        if broken.isEmpty { stories.take(record) }
                    }))
                verified.append(.init(folder: source.folder, outcome: outcome))
                stories.end(first: outcome.first)
            } catch {
                broken.append((source.folder, error))
            }
        }
        if !broken.isEmpty {
            for (folder, error) in broken {
                let text = "\(error)"
                Output.error("sallyport: \(text.contains(folder) ? text : "\(folder): \(text)")")
            }
            throw CommandFailure(
                "\(broken.count) of \(sources.count) logs do not hold; what runs between them was not looked at",
                code: broken.contains { !$0.error.isUnreadable } ? .failed : .usage)
        }
        if let limit = stories.limit { throw CommandFailure("\(limit)", code: .usage) }
        return (verified, stories.finish())
    }
}

extension AuditTogether {
    func lines(_ logs: [Verified], _ jobs: JobStories.Outcome) -> [String] {
        var lines = [jobs.gapCount == 0 ? "the logs hold, and join up" : "each log holds; together they do not"]
        for log in logs { lines += AuditVerify.lines(log.outcome) + ["folder       \(log.folder)", ""] }
        lines.append("jobs         \(jobs.jobs) accepted, \(jobs.takeovers) takeovers")
        lines += jobs.open.map { "still open   \(text($0)): no log has its end yet" }
        lines += jobs.before.map { "not checked  \(text($0)): how it began stands in files that are not here" }
        lines += jobs.untold.map {
            "not told     \(text($0)): from whom it was taken over, which its version did not record yet"
        }
        lines += jobs.unnamed.map {
            "not told     \(text($0)): from whom it was taken over, whose name an older version had taken away"
        }
        lines += jobs.gaps.map { "gap          \(PrintableText.escaping("\($0.job): \($0.text)"))" }
        if jobs.gapCount > jobs.gaps.count { lines.append("gap          and \(jobs.gapCount - jobs.gaps.count) more") }
        return lines
    }

    private func text(_ share: JobStories.Outcome.Share) -> String {
        PrintableText.escaping("\(share.jobs) of \(share.origin), such as \(share.example)")
    }

    func json(_ logs: [Verified], _ jobs: JobStories.Outcome) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("logs")
        writer.beginArray()
        for log in logs {
            writer.beginObject()
            AuditVerify.write(log.outcome, &writer)
            writer.name("folder")
            writer.string(log.folder)
            writer.endObject()
        }
        writer.endArray()
        for (name, count) in [("jobs", jobs.jobs), ("takeovers", jobs.takeovers), ("gapCount", jobs.gapCount)] {
            writer.name(name)
            writer.int(Int64(count))
        }
        for (name, shares) in [
            ("open", jobs.open), ("before", jobs.before), ("untold", jobs.untold), ("unnamed", jobs.unnamed),
        ] {
            writer.name(name)
            writer.beginArray()
            for share in shares {
                writer.beginObject()
                writer.name("origin")
                writer.string(share.origin)
                writer.name("jobs")
                writer.int(Int64(share.jobs))
                writer.name("example")
                writer.string(share.example)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.name("gaps")
        writer.beginArray()
        for gap in jobs.gaps {
            writer.beginObject()
            for (name, text) in [("kind", gap.kind.rawValue), ("job", gap.job), ("text", gap.text)] {
                writer.name(name)
                writer.string(text)
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
