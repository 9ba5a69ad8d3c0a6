#if PostgreSQL
    /// Looks after a PostgreSQL journal from outside the executor.
    struct PostgreSQLCare: JournalKeeper {
        private let target: PostgreSQLTarget

        init(_ target: PostgreSQLTarget) { self.target = target }

        func check() throws(JournalCareError) -> [String] {
            do {
                let connection = try PostgreSQLConnection(target)
                _ = try connection.simple("SET statement_timeout = '10min'")
                let row = try connection.query(
                    """
                    SELECT count(*), count(*) FILTER (WHERE finished_at IS NULL), count(*) FILTER (WHERE letter = 1),
                    (SELECT count(*) FROM event WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.number = event.job)),
                    (SELECT count(*) FROM executor WHERE alive_until > clock_timestamp() AND isfinite(alive_until))
                    FROM job
                    """, within: .seconds(610)
                ).first
                let counts = (0..<5).map { row?.int($0) ?? 0 }
                guard counts[3] == 0 else { throw PostgreSQLError(.damaged, "\(counts[3]) events without a job") }
                return [
                    "journal \(target.place) can be read; executors that are alive: \(counts[4])",
                    "\(counts[0]) jobs, of which \(counts[1]) unfinished and \(counts[2]) dead letters",
                ]
            } catch {
                throw JournalCareError("journal \(target.place): check: \(error)")
            }
        }

        func backup(to copy: String) throws(JournalCareError) {
            throw JournalCareError(
                "journal \(target.place): backup to \(copy): copy it as you do your other databases: pg_dump --schema sallyport")
        }
    }
#endif
