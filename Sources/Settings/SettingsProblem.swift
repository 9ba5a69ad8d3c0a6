internal import Synchronization

/// One thing that is wrong in a settings file.
public struct SettingsProblem: Error, CustomStringConvertible {
    /// The file as it was named.
    public let file: String
    /// 1-based; 0 when the whole file is meant.
    public let line: Int
    /// Where in the settings, as in `hooks.github.wait`.
    public let path: String
    /// What is wrong and, where there is one, what to do. Never a secret's value.
    public let message: String

    /// `file:line: path: message`
    public var description: String {
        "\(file):\(line): " + (path.isEmpty ? message : "\(path): \(message)")
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

    func add(_ problem: SettingsProblem) { list.withLock { $0.append(problem) } }

    var sorted: [SettingsProblem] {
        list.withLock { $0.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }.map(\.element) }
    }
}
