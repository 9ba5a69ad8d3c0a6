internal import Glibc
internal import Yams

/// One YAML file of settings. Reading collects every problem; ``finish()`` throws them all, so nothing is half applied.
public struct SettingsFile {
    /// Bytes a settings file may have.
    public static let maximumSize = 1024 * 1024

    /// The top of the document.
    public let root: SettingsNode
    private let problems: ProblemList

    /// Reads the file.
    ///
    /// - Throws: ``SettingsProblems`` when it cannot be read or is not YAML.
    public init(path: String) throws(SettingsProblems) {
        let text: String
        do throws(SettingsProblem) {
            text = try Self.text(of: path)
        } catch {
            throw SettingsProblems(problems: [error])
        }
        try self.init(text: text, file: path)
    }

    /// Reads `text` as if it stood in `file`.
    public init(text: String, file: String) throws(SettingsProblems) {
        let problems = ProblemList()
        self.problems = problems
        let node: Node?
        do {
            node = try Parser(yaml: text).singleRoot()
        } catch let error as YamlError {
            let (line, message) = Self.explain(error)
            throw SettingsProblems(problems: [.init(file: file, line: line, path: "", message: message)])
        } catch {
            throw SettingsProblems(problems: [.init(file: file, line: 1, path: "", message: "\(error)")])
        }
        root = SettingsNode(node: node, file: file, line: 1, path: "", problems: problems)
        if node == nil { root.problem("the file is empty") }
    }

    /// - Throws: ``SettingsProblems`` with everything that was found.
    public func finish() throws(SettingsProblems) {
        let all = problems.sorted
        guard all.isEmpty else { throw SettingsProblems(problems: all) }
    }

    private static func explain(_ error: YamlError) -> (Int, String) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            (mark.line, "not YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            (
                context.mark.line,
                "the same key twice: " + duplicates.map { "\($0)" }.sorted().joined(separator: ", ")
            )
        default: (1, "not YAML: \(error)")
        }
    }

    /// The text of a file that is no secret and at most 1 MiB.
    ///
    /// - Throws: ``SettingsProblem`` saying why it cannot be read.
    public static func text(of path: String) throws(SettingsProblem) -> String {
        func problem(_ message: String) -> SettingsProblem { .init(file: path, line: 0, path: "", message: message) }
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
            throw problem("cannot be opened: \(reason)")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count <= maximumSize {
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
                count = unsafe max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
            }
            if piece.isEmpty { break }
            bytes += piece
        }
        guard bytes.count <= maximumSize else { throw problem("has more than \(maximumSize) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw problem("is not UTF-8") }
        return text
    }
}
