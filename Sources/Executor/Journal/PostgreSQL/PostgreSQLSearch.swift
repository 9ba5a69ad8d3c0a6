#if PostgreSQL
    internal import ProtocolMessages

    /// How a list finds its jobs. PostgreSQL knows which states, jobs and hosts are many: it is told the values before it makes its plan.
    struct PostgreSQLSearch {
        let sql: String
        private(set) var values: [PostgreSQLValue] = []

        init(_ filter: JobFilter, limit: Int) {
            var values: [PostgreSQLValue] = []
            var conditions: [String] = []
            func add(_ condition: String, _ value: PostgreSQLValue) {
                values.append(value)
                conditions.append(condition.replacing("?", with: "$\(values.count)"))
            }
            func add(_ condition: String, _ text: String) { if !text.isEmpty { add(condition, .text(text)) } }
            // Conditions that look superfluous are those of the partial indices.
            add("event_id = ? AND event_id <> ''", filter.eventID)
            add("correlation_id = ? AND correlation_id <> ''", filter.correlationID)
            add("hook = ?", filter.hook)
            add("job = ?", filter.job)
            if let status = filter.status { add("status = ?", .int(Int64(status.rawValue))) }
            if filter.deadLetters { conditions.append("letter = 1") }
            if let since = filter.since { add("job.accepted_at >= ?", .int(since)) }
            if let until = filter.until { add("job.accepted_at < ?", .int(until)) }
            var (source, order) = ("job", "job")
            if !filter.host.isEmpty {
                (source, order) = ("job_host JOIN job ON job.number = job_host.number", "job_host")
                add("job_host.host = ?", filter.host)
            }
            values.append(.int(Int64(limit)))
            let condition = conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))"
            sql = """
                SELECT \(PostgreSQLJournal.listColumns) FROM \(source) \(condition)
                ORDER BY \(order).accepted_at DESC, \(order).number DESC LIMIT $\(values.count)
                """
            self.values = values
        }
    }
#endif
