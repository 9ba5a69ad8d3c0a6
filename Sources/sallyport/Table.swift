internal import Telemetry

/// Columns for a terminal. Text from hosts and senders is shown with its control characters escaped.
struct Table {
    private var rows: [[String]]
    /// Columns from the left that are shown whole.
    private let whole: Int
    /// The column that has a job's state.
    private let states: Int?

    /// - Parameters:
    ///   - whole: columns from the left that are no use when they are cut, such as ids and times.
    ///   - states: the column that has a job's state, for its colour.
    init(_ heads: [String], whole: Int = 1, states: Int? = nil) {
        rows = [heads]
        self.whole = whole
        self.states = states
    }

    mutating func add(_ cells: [String]) { rows.append(cells.map { PrintableText.escaping($0) }) }

    /// Columns that are cut to fit a terminal keep as many characters.
    private static let narrowest = 8

    /// The rows as lines, columns as wide as their widest cell.
    ///
    /// - Parameter width: columns of the terminal; where the rows are wider the last columns are left out, as many as must be, and the widest
    ///   of the others cut, each marked by `…`.
    func lines(width: Int? = nil) -> [String] {
        var widths = rows.first?.indices.map { column in rows.map { $0[column].count }.max() ?? 0 } ?? []
        if let width {
            func sum(_ widths: [Int]) -> Int { widths.reduce(0, +) + 2 * (widths.count - 1) }
            let least = widths.enumerated().map { $0 < whole ? $1 : min($1, Self.narrowest) }
            while widths.count > whole, sum(Array(least.prefix(widths.count))) > width { widths.removeLast() }
            while sum(widths) > width, let widest = widths.indices.dropFirst(whole).max(by: { widths[$0] < widths[$1] }) {
                widths[widest] -= 1
            }
        }
        return rows.map { row in
            var line = ""
            for (index, (cell, width)) in zip(row, widths).enumerated() {
                let cell = cell.count > width ? cell.prefix(width - 1) + "…" : cell
                line += index == states ? Style.state(cell) : cell
                if index < widths.count - 1 { line += String(repeating: " ", count: width - cell.count + 2) }
            }
            return line
        }
    }
}
