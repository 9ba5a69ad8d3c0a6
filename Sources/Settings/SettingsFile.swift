internal import Authentication
internal import Glibc

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
        let node: YAMLNode?
        do throws(SettingsProblem) {
            node = try Self.compose(text, file: file)
        } catch {
            throw SettingsProblems(problems: [error])
        }
        root = SettingsNode(node: node, file: file, line: 1, column: 0, path: "", problems: problems)
        if node == nil { root.problem("the file is empty") }
    }

    /// - Throws: ``SettingsProblems`` with everything that was found.
    public func finish() throws(SettingsProblems) {
        let all = problems.sorted
        guard all.isEmpty else { throw SettingsProblems(problems: all) }
    }

    /// The one document in `text`; nil when there is nothing in it.
    private static func compose(_ text: String, file: String) throws(SettingsProblem) -> YAMLNode? {
        guard text.utf8.count <= maximumSize else {
            throw SettingsProblem(file: file, line: 0, message: "has more than \(maximumSize) bytes")
        }
        do throws(YAMLError) {
            return try YAMLReader.document(in: text)
        } catch {
            throw SettingsProblem(file: file, line: error.line, column: error.column, message: error.message)
        }
    }

    /// The text of a file that is no secret and at most 1 MiB.
    ///
    /// - Throws: ``SettingsProblem`` saying why it cannot be read.
    public static func text(of path: String) throws(SettingsProblem) -> String {
        guard let view = FileView.current else { return try textFromDisk(path) }
        if view.isRecording {
            do throws(SettingsProblem) {
                let text = try textFromDisk(path)
                view.record(.text, path, .bytes(SecretBytes(copying: text.utf8)))
                return text
            } catch {
                view.record(.text, path, .failure(error.message))
                throw error
            }
        }
        switch view.content(.text, path) {
        case .bytes(let bytes): return unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        case .failure(let message): throw SettingsProblem(file: path, line: 0, message: message)
        }
    }

    private static func textFromDisk(_ path: String) throws(SettingsProblem) -> String {
        func problem(_ message: String) -> SettingsProblem { .init(file: path, line: 0, message: message) }
        func failed(_ step: String) -> SettingsProblem {
            problem("cannot be \(step): " + (unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"))
        }
        // A FIFO would be waited for.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failed("opened") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failed("looked at") }
        guard [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) else { throw problem("is no regular file") }
        var bytes: [UInt8] = []
        while bytes.count <= maximumSize {
            var result = 0
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
                result = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                count = max(0, result)
            }
            if result < 0, errno == EINTR { continue }
            guard result >= 0 else { throw failed("read") }
            if result == 0 { break }
            bytes += piece
        }
        guard bytes.count <= maximumSize else { throw problem("has more than \(maximumSize) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw problem("is not UTF-8") }
        return text
    }
}
