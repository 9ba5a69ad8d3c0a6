internal import GRDB
internal import ProtocolMessages

/// How a list finds its jobs: along the index of that part of the filter which the fewest jobs meet, the newest first; the other parts are
/// looked at on the way.
///
/// The database would choose by averages, and of states, jobs and hosts one often has nearly all rows and another a handful.
struct SQLiteSearch {
    /// So many rows of a part are counted before it passes for one that most jobs meet.
    static let countLimit = 50_000

    /// Takes the list's limit as its last argument.
    let sql: String
    let arguments: [any DatabaseValueConvertible]

    /// One part of the filter, and the index it can be walked along.
    private struct Part {
        /// Of a part that has a table of its own, nil.
        let index: String?
        let condition: String
        var arguments: [any DatabaseValueConvertible] = []
        /// Its index is in the order of a list, with the time of acceptance.
        var isInOrder = true
    }

    /// What a list shows of a job: not what may be long.
    private static let columns = """
        job.id, ingress, status, reason, error, attempt, request, request_digest, NULL AS body, NULL AS result, NULL AS progress,
        job.accepted_at, finished_at, due_at, origin, operator, letter
        """

    init(_ filter: JobFilter, _ database: Database) throws {
        let parts = Self.parts(filter)
        let (since, until) = (filter.since ?? .min, filter.until ?? .max)
        func times(_ table: String) -> (String, [any DatabaseValueConvertible]) {
            // Written out where nothing is said, every index is walked the same way.
            (" AND \(table).accepted_at >= ? AND \(table).accepted_at < ?", [since, until])
        }
        var best: (part: Part, count: Int)?
        for part in parts.count > 1 ? parts : [] {
            let table = part.index.map { "job INDEXED BY \($0)" } ?? "job_host"
            let (range, bounds) = part.isInOrder ? times(part.index == nil ? "job_host" : "job") : ("", [])
            let statement = try database.cachedStatement(
                sql: "SELECT count(*) FROM (SELECT 1 FROM \(table) WHERE \(part.condition)\(range) LIMIT ?)")
            let arguments = SQLiteJournal.bound(part.arguments + bounds + [Self.countLimit])
            let count = try Int.fetchOne(statement, arguments: arguments) ?? 0
            if best.map({ count < $0.count }) ?? true { best = (part, count) }
        }
        let first = best?.part ?? parts.first ?? Part(index: "job_by_acceptance", condition: "1")
        let isHost = first.index == nil
        let table = isHost ? "job_host" : "job"
        let (range, bounds) = times(table)
        let source = first.index.map { "job INDEXED BY \($0)" } ?? "job_host CROSS JOIN job ON job.number = job_host.number"
        let others = parts.filter { $0.index != first.index }
        let conditions = [first.condition + range] + others.map { $0.index == nil ? Self.onHost : $0.condition }
        sql = """
            SELECT \(Self.columns) FROM \(source) WHERE \(conditions.joined(separator: " AND "))
            ORDER BY \(table).accepted_at DESC, \(table).number DESC LIMIT ?
            """
        arguments = first.arguments + bounds + others.flatMap(\.arguments)
    }

    private static let onHost =
        "EXISTS (SELECT 1 FROM job_host WHERE host = ? AND job_host.accepted_at = job.accepted_at AND job_host.number = job.number)"

    /// Conditions that look superfluous are those of the partial indices: without them SQLite does not use these.
    private static func parts(_ filter: JobFilter) -> [Part] {
        var parts: [Part] = []
        func add(_ value: String, _ index: String?, _ condition: String, isInOrder: Bool = true) {
            guard !value.isEmpty else { return }
            parts.append(Part(index: index, condition: condition, arguments: [value], isInOrder: isInOrder))
        }
        add(filter.eventID, "job_by_event", "event_id = ? AND event_id <> ''", isInOrder: false)
        add(filter.correlationID, "job_by_correlation", "correlation_id = ? AND correlation_id <> ''")
        if filter.deadLetters { parts.append(Part(index: "job_dead_letter", condition: "letter = 1")) }
        add(filter.hook, "job_by_hook", "hook = ?")
        add(filter.job, "job_by_name", "job = ?")
        if let status = filter.status {
            parts.append(Part(index: "job_by_status", condition: "status = ?", arguments: [status.rawValue]))
        }
        add(filter.host, nil, "host = ?")
        return parts
    }
}
