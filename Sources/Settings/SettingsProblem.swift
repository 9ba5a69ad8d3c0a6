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
    private let list = Mutex<[SettingsProblem]>([])

    private static func order(_ entry: (offset: Int, element: SettingsProblem)) -> (Int, Int, Int) {
        (entry.element.line, entry.element.column, entry.offset)
    }

    /// A place may be read twice; its problem is told once.
    func add(_ problem: SettingsProblem) {
        list.withLock { list in
            guard !list.contains(where: { $0.line == problem.line && $0.description == problem.description }) else { return }
            list.append(problem)
        }
    }

    var sorted: [SettingsProblem] {
        list.withLock { $0.enumerated().sorted { Self.order($0) < Self.order($1) }.map(\.element) }
    }
}
