internal import Audit

/// Copies the journal that an executor has had in a file into the PostgreSQL journal of its settings, while it is stopped.
///
/// Done again after it was broken off, it copies what is missing. Until it has ended, no executor of that name starts there.
public struct JournalCopy: Sendable {
    private let file: String
    private let configuration: String

    /// Nothing is opened yet.
    ///
    /// - Parameters:
    ///   - file: the journal that is copied.
    ///   - configuration: settings with `journal.postgresql`.
    public init(of file: String, configuration: String) {
        self.file = file
        self.configuration = configuration
    }

    /// Copies all of it and says what there was. Blocks.
    ///
    /// - Parameter progress: told after each transaction how many jobs of how many are there.
    /// - Throws: `SettingsProblems`; ``JournalCareError`` when it cannot be done.
    public func run(_ progress: (_ done: Int, _ all: Int) -> Void) throws -> [String] {
        #if PostgreSQL
            let settings = try ExecutorSettings(file: configuration)
            guard case .postgreSQL(let target) = settings.journal.store else {
                throw JournalCareError(
                    "\(configuration): the journal there is a file; write journal.postgresql, and name the file as the argument")
            }
            let source: SQLiteSource
            do {
                source = try SQLiteSource(path: file)
                guard try JournalLock.take(file) else { throw JournalCareError("an executor uses it; stop that one") }
            } catch {
                throw JournalCareError("copy journal \(file): \(error.sqliteText)")
            }
            return try Self.copy(source, to: target, audit: settings.audit, progress)
        #else
            throw JournalCareError("this build has no PostgreSQL; take one that was built with --traits PostgreSQL")
        #endif
    }
}

#if PostgreSQL
    extension JournalCopy {
        /// What a copy came to.
        struct Counts: Sendable {
            var jobs = 0
            var unfinished = 0
            var events = 0
            var deadLetters = 0
            /// Jobs that were there before.
            var known = 0
        }

        /// With the file's lock held.
        static func copy(
            _ source: SQLiteSource, to target: PostgreSQLTarget, audit: AuditSettings,
            _ progress: (_ done: Int, _ all: Int) -> Void
        ) throws(JournalCareError) -> [String] {
            do {
                let kept = try source.audit()
                if kept.batches.last != nil { try check(audit) }
                let copy = try PostgreSQLCopy(target, name: audit.origin)
                try source.identities { try copy.check($0) }
                try copy.begin(kept)
                let all = try source.count()
                var counts = Counts()
                try source.pages { page in
                    try copy.add(page, &counts)
                    progress(counts.jobs + counts.known, all)
                }
                try copy.end()
                return text(counts, of: source, audit: audit)
            } catch {
                throw JournalCareError("copy journal \(source.path) to \(target.place): \(error.sqliteText)")
            }
        }

        /// The executor goes on with the log it has: it is there, and of that name.
        private static func check(_ audit: AuditSettings) throws(JournalCareError) {
            let folder = AuditFolder(path: audit.path)
            var origin: String?
            do throws(AuditError) {
                guard let name = try folder.segments().last else { throw AuditError("\(audit.path): no file with records") }
                _ = try folder.lines(of: name) { line throws(AuditError) in
                    if line.number == 1 { origin = try AuditSegment(line.bytes).origin }
                }
            } catch {
                throw JournalCareError("\(error); let audit.path be that of the executor as it was")
            }
            guard origin == audit.origin else {
                throw JournalCareError(
                    "\(audit.path) is the audit log of \(origin ?? "nobody"), and audit.origin says \(audit.origin); "
                        + "write that of the log")
            }
        }

        private static func text(_ counts: Counts, of source: SQLiteSource, audit: AuditSettings) -> [String] {
            var lines = [
                "copied for \(audit.origin): \(counts.jobs) jobs, of which \(counts.unfinished) unfinished and "
                    + "\(counts.deadLetters) dead letters, with \(counts.events) events"
            ]
            if counts.known > 0 { lines.append("\(counts.known) jobs were there already") }
            lines.append(
                "next: start the executor with these settings, and keep \(source.path) away: it is out of date from then on")
            return lines
        }
    }
#endif
