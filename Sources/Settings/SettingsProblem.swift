internal import Synchronization

/// One thing that is wrong in a settings file.
public struct SettingsProblem: Error, CustomStringConvertible {
    /// The file as it was named.
    public let file: String
    /// 1-based; 0 when the whole file is meant.
    public let line: Int
    /// 1-based, in characters; 0 when the whole line or file is meant.
    public let column: Int
    /// Where in the settings, as in `hooks.github.wait`.
    public let path: String
    /// What is wrong and, where there is one, what to do. Never a secret's value.
    public let message: String

    init(file: String, line: Int, column: Int = 0, path: String = "", message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.path = path
        self.message = message
    }

    /// `file:line: path: message`, without the line when the whole file is meant.
    public var description: String {
        (line > 0 ? "\(file):\(line): " : "\(file): ") + (path.isEmpty ? message : "\(path): \(message)")
    }
}

/// Everything that is wrong in the settings, in the order of the file.
public struct SettingsProblems: Error, CustomStringConvertible {
    /// At least one.
    public let problems: [SettingsProblem]

    /// At least one problem.
    public init(problems: [SettingsProblem]) { self.problems = problems }

    /// One line a problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Collects problems while reading goes on.
final class ProblemList: Sendable {
    /// Problems that are told; of more only how many they are.
    static let maximum = 200

    private struct State {
        var problems: [SettingsProblem] = []
        var seen: Set<String> = []
    }

    private let state = Mutex(State())

    private static func order(_ entry: (offset: Int, element: SettingsProblem)) -> (Int, Int, Int) {
        (entry.element.line, entry.element.column, entry.offset)
    }

    /// A place may be read twice; its problem is told once.
    func add(_ problem: SettingsProblem) {
        state.withLock { state in
            if state.seen.insert(problem.description).inserted, state.problems.count < Self.maximum {
                state.problems.append(problem)
            }
        }
    }

    /// In the order of the file.
    var sorted: [SettingsProblem] {
        state.withLock { state in
            let told = state.problems.enumerated().sorted { Self.order($0) < Self.order($1) }.map(\.element)
            guard let last = told.last, state.seen.count > told.count else { return told }
            return told + [
                SettingsProblem(file: last.file, line: 0, message: "and \(state.seen.count - told.count) problems more")
            ]
        }
    }
}
