#if PostgreSQL
    internal import GRDB
    internal import JSON

    /// A SQLite journal that no executor uses, read to be copied into PostgreSQL.
    struct SQLiteSource {
        /// Jobs of a page, and bytes of them from which on it ends.
        static let pageJobs = 200
        static let pageBytes = 4 * 1024 * 1024

        /// What is copied of a job as it is.
        static let columns = [
            "id", "ingress", "hook", "job", "dedupe_key", "event_id", "sender_attempt", "status", "reason", "error", "attempt",
            "request", "request_digest", "key_id", "signature", "body", "result", "accepted_at", "finished_at", "due_at",
            "progress", "origin", "operator", "letter", "correlation_id",
        ]

        /// What tells a job from others.
        struct Identity: Sendable {
            let number: Int64
            let id: String
            let digest: [UInt8]
        }

        struct Job: Sendable {
            let identity: Identity
            let name: String
            let dedupeKey: String
            let acceptedAt: Int64
            let isUnfinished: Bool
            let isDeadLetter: Bool
            /// Of ``columns``.
            let values: [PostgreSQLValue]
            /// With commas between them.
            let hosts: String
            let events: Int
            /// An array of its events, oldest first, each an array of time, text and destination.
            let history: String
            let bytes: Int
        }

        let path: String
        private let database: DatabaseQueue

        /// - Throws: ``JournalCareError`` when it is of another version; what SQLite says.
        init(path: String) throws {
            self.path = path
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(2)
            database = try DatabaseQueue(path: path, configuration: configuration)
            try database.read { database in
                guard try !SQLiteSchema.migrator.hasBeenSuperseded(database) else {
                    throw JournalCareError("a newer version has changed it; copy it with that version")
                }
                guard try SQLiteSchema.migrator.hasCompletedMigrations(database) else {
                    throw JournalCareError("it is an older version's; start this version's executor with the file once")
                }
            }
        }

        func count() throws -> Int { try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM job") ?? 0 } }

        /// The audit records that are on their way to the log.
        func audit() throws -> AuditKept { try database.read { try SQLiteAuditTable(database: $0).kept() } }

        /// Which jobs there are, a page at a time.
        func identities(_ body: ([Identity]) throws -> Void) throws {
            var last = Int64.min
            while true {
                let page = try database.read { database in
                    try Row.fetchAll(
                        database, sql: "SELECT number, id, request_digest FROM job WHERE number > ? ORDER BY number LIMIT ?",
                        arguments: [last, Self.pageJobs]
                    ).map(Self.identity)
                }
                guard let end = page.last else { return }
                try body(page)
                last = end.number
            }
        }

        /// All jobs in the order in which they came, a page at a time.
        func pages(_ body: ([Job]) throws -> Void) throws {
            var last = Int64.min
            while true {
                let page = try database.read { try Self.page($0, after: last) }
                guard let end = page.last else { return }
                try body(page)
                last = end.identity.number
            }
        }

        private static func page(_ database: Database, after number: Int64) throws -> [Job] {
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT number, hosts, \(columns.joined(separator: ", ")) FROM job WHERE number > ? ORDER BY number LIMIT ?",
                arguments: [number, pageJobs])
            var (jobs, bytes): ([Job], Int) = ([], 0)
            while bytes < pageBytes, let row = try rows.next() {
                let job = try job(database, row)
                jobs.append(job)
                bytes += job.bytes
            }
            return jobs
        }

        private static func job(_ database: Database, _ row: Row) throws -> Job {
            let identity = identity(row)
            let hosts: String = row["hosts"]
            let (events, history) = try history(database, of: identity.id)
            let values = columns.map { PostgreSQLValue(row[$0] as DatabaseValue) }
            return Job(
                identity: identity, name: row["job"], dedupeKey: row["dedupe_key"], acceptedAt: row["accepted_at"],
                isUnfinished: (row["finished_at"] as Int64?) == nil,
                isDeadLetter: row["letter"] == DeadLetter.open.rawValue, values: values,
                hosts: hosts.split(separator: ",").joined(separator: ","), events: events, history: history,
                bytes: values.reduce(history.utf8.count) { $0 + ($1.bytes?.count ?? 0) })
        }

        private static func identity(_ row: Row) -> Identity {
            Identity(number: row["number"], id: row["id"], digest: [UInt8](row["request_digest"] as DatabaseBytes))
        }

        private static func history(_ database: Database, of id: String) throws -> (Int, String) {
            let rows = try Row.fetchAll(
                database.cachedStatement(sql: "SELECT at, what, destination FROM event WHERE job_id = ? ORDER BY number"),
                arguments: [id])
            var writer = JSONWriter()
            writer.beginArray()
            for row in rows {
                writer.beginArray()
                writer.int(row["at"])
                writer.string(row["what"] as String)
                writer.string(row["destination"] as String)
                writer.endArray()
            }
            writer.endArray()
            return (rows.count, String(decoding: writer.bytes, as: UTF8.self))
        }
    }

    extension PostgreSQLValue {
        /// What a table of SQLite has in a column that is strict.
        fileprivate init(_ value: DatabaseValue) {
            switch value.storage {
            case .null: self = .null
            case .int64(let number): self = .int(number)
            case .double(let number): self = .int(Int64(number))
            case .string(let text): self = .text(text)
            case .blob(let data): self = .bytes([UInt8](data))
            }
        }
    }
#endif
