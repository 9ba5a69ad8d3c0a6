import Foundation

/// A program that was run to its end.
struct Command {
    let code: Int32
    let output: String
    let errors: String

    /// Runs `path` with `arguments`; `input` goes to its standard input.
    @discardableResult
    static func run(_ path: String, _ arguments: [String], input: Data = Data(), environment: [String: String] = [:]) throws
        -> Command
    {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let folder = FileManager.default.temporaryDirectory
        let files = ["in", "out", "err"].map { folder.appending(path: "sallyport-test-\(UUID().uuidString).\($0)") }
        defer { for file in files { try? FileManager.default.removeItem(at: file) } }
        try input.write(to: files[0])
        for file in files.dropFirst() { try Data().write(to: file) }
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        try process.run()
        process.waitUntilExit()
        return Command(
            code: process.terminationStatus, output: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: files[2]), as: UTF8.self))
    }
}

/// A program that runs beside the test; its output goes to a file.
final class Daemon {
    let log: URL
    private let path: String
    private let arguments: [String]
    private let environment: [String: String]
    private var process: Process?

    init(_ path: String, _ arguments: [String], log: URL, environment: [String: String] = [:]) {
        self.path = path
        self.arguments = arguments
        self.log = log
        self.environment = environment
    }

    var isRunning: Bool { process?.isRunning ?? false }
    var pid: Int32 { process?.processIdentifier ?? 0 }

    func start() throws {
        if !FileManager.default.fileExists(atPath: log.path) { try Data().write(to: log) }
        let handle = try FileHandle(forWritingTo: log)
        try handle.seekToEnd()
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        self.process = process
    }

    /// Sends a signal and waits for the end; kill -9 when the program does not mind within `seconds`.
    func stop(_ signal: Int32 = SIGTERM, within seconds: Double = 10) {
        guard let process, process.isRunning else { return }
        kill(process.processIdentifier, signal)
        let deadline = Date().addingTimeInterval(seconds)
        while process.isRunning, Date() < deadline { usleep(10_000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        self.process = nil
    }

    var text: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
}

/// Polls until `condition` holds; false when it did not within `seconds`.
func eventually(within seconds: Double = 10, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Date().addingTimeInterval(seconds)
    while Date() < deadline {
        if try condition() { return true }
        usleep(20_000)
    }
    return try condition()
}
