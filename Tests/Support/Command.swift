public import Foundation

/// A program that was run to its end.
public struct Command: Sendable {
    /// Exit code; 128 plus the number when a signal ended it.
    public let code: Int32
    /// What it wrote to standard output.
    public let output: String
    /// What it wrote to standard error.
    public let errors: String

    /// Runs `path` with `arguments`; `input` goes to its standard input.
    @discardableResult
    public static func run(
        _ path: String, _ arguments: [String], input: Data = Data(), environment: [String: String] = [:]
    ) throws -> Command {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sallyport-command-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = ["in", "out", "err"].map { folder.appending(path: $0) }
        try input.write(to: files[0])
        let child = try Spawn(
            path, arguments, environment: environment, input: files[0].path, output: files[1].path, errors: files[2].path)
        let code = child.wait()
        return Command(
            code: code, output: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: files[2]), as: UTF8.self))
    }
}
