public import Foundation
import Glibc

/// A program that runs beside the test; its output goes to a file.
public final class Daemon {
    /// Where its output goes, appended at each start.
    public let log: URL
    private let path: String
    private let arguments: [String]
    private let environment: [String: String]
    private var child: Spawn?

    /// Nothing runs before ``start()``.
    public init(_ path: String, _ arguments: [String], log: URL, environment: [String: String] = [:]) {
        self.path = path
        self.arguments = arguments
        self.log = log
        self.environment = environment
    }

    /// It was started and has not ended.
    public var isRunning: Bool { child?.isRunning ?? false }
    /// 0 before the start.
    public var pid: Int32 { child?.pid ?? 0 }

    /// Starts it; its signals are as a fresh login has them.
    public func start() throws {
        child = try Spawn(path, arguments, environment: environment, input: "/dev/null", output: log.path, errors: log.path)
    }

    /// Sends a signal and waits for the end; kill -9 when the program does not mind within `seconds`. Its exit code.
    @discardableResult
    public func stop(_ signal: Int32 = SIGTERM, within seconds: Double = 10) -> Int32 {
        guard let child else { return 0 }
        defer { self.child = nil }
        if child.isRunning { kill(child.pid, signal) }
        let deadline = Date().addingTimeInterval(seconds)
        while child.isRunning, Date() < deadline { usleep(5_000) }
        if child.isRunning { kill(child.pid, SIGKILL) }
        return child.wait()
    }

    /// All it has written so far.
    public var text: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
}

/// Polls until `condition` holds; false when it did not within `seconds`.
public func eventually(within seconds: Double = 30, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Date().addingTimeInterval(seconds)
    while Date() < deadline {
        if try condition() { return true }
        usleep(20_000)
    }
    return try condition()
}

/// What stands in the way of a test.
public struct TestBedError: Error, CustomStringConvertible {
    /// For the reader of the test's output.
    public let description: String
    /// Says it.
    public init(_ description: String) { self.description = description }
}
