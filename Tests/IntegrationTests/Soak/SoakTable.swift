import Foundation

/// What a soak came to, by hook.
struct SoakTable {
    /// A line.
    struct Line {
        var deliveries = 0
        var sent = 0
        var repeats = 0
        var asked = 0
        var accepted = 0
        /// Accepted ones by how often their command began on all hosts together: never, once, more often.
        var ran = [0, 0, 0]
        /// Not answered 2xx, and run all the same.
        var ranUntold = 0
        var states: [String: Int] = [:]
        var replays = 0
        var cancelled = 0
        /// Jobs of which another outcome was told than the journal has: its disk was full, and the executor ended before there was room.
        var forgotten: Set<String> = []
        var disagreements = 0
    }

    private static var columns: [(head: String, value: (Line) -> Int)] {
        [
            ("deliveries", \.deliveries), ("sent", \.sent), ("repeats", \.repeats), ("asked", \.asked), ("2xx", \.accepted),
            ("ran 0", { $0.ran[0] }), ("ran 1", { $0.ran[1] }), ("ran 2+", { $0.ran[2] }), ("not 2xx, ran", \.ranUntold),
        ]
            + ["succeeded", "failed", "timed-out", "unknown", "dead", "refused"].map { state in
                (state, { $0.states[state, default: 0] })
            }
            + [
                ("replays", \.replays), ("cancelled", \.cancelled), ("told, not kept", \.forgotten.count),
                ("disagree", \.disagreements),
            ]
    }

    private var lines: [String: Line] = [:]
    private var reasons: [String: Int] = [:]

    mutating func add(_ hook: String) { lines[hook] = Line() }

    mutating func add(
        _ hook: String, _ told: [SoakAnswer], _ own: [SoakJob], ran: Int, cancelled: Set<String>, disagreements: Int
    ) {
        var line = lines[hook] ?? Line()
        line.deliveries += 1
        line.sent += told.count(where: \.isSent)
        line.repeats += told.count { $0.matter == .again }
        line.asked += told.count { $0.matter == .question }
        if told.contains(where: \.isAccepted) {
            line.accepted += 1
            line.ran[min(ran, 2)] += 1
        } else if ran > 0 {
            line.ranUntold += 1
        }
        for job in own {
            line.states[job.state, default: 0] += 1
            if !job.reason.isEmpty { reasons["\(job.state) (\(job.reason))", default: 0] += 1 }
            if !job.origin.isEmpty { line.replays += 1 }
            if job.reason == "cancelled" { line.cancelled += 1 }
        }
        line.disagreements += disagreements
        lines[hook] = line
    }

    mutating func forget(_ hook: String, job: String) { lines[hook]?.forgotten.insert(job) }
    mutating func disagree(_ hook: String) { lines[hook]?.disagreements += 1 }

    func count(_ state: String) -> Int { lines.values.reduce(0) { $0 + $1.states[state, default: 0] } }
    func sum(_ value: (Line) -> Int) -> Int { lines.values.reduce(0) { $0 + value($1) } }
    func accepted(_ hook: String) -> Int { lines[hook]?.accepted ?? 0 }

    /// With why jobs did not succeed.
    var text: String {
        let heads = ["hook"] + Self.columns.map(\.head)
        var rows = lines.sorted { $0.key < $1.key }.map { hook, line in [hook] + Self.columns.map { "\($0.value(line))" } }
        rows.append(["all"] + Self.columns.map { "\(sum($0.value))" })
        let widths = heads.indices.map { column in ([heads] + rows).map { $0[column].count }.max() ?? 0 }
        let text = ([heads] + rows).map { row in
            zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  ")
        }
        let why = reasons.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return (text + ["jobs that did not succeed: \(why.isEmpty ? "none" : why)"]).joined(separator: "\n")
    }
}
