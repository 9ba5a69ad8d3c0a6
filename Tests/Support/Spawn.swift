import Foundation
import Glibc
import Synchronization

/// A child process by posix_spawn(3).
///
/// Not Foundation's `Process`: its one monitor thread waits for a daemon that has closed its descriptors, and for nobody else then.
final class Spawn: Sendable {
    /// Those that run, for the end of the test process: a suite's own bed is never deinitialised.
    private static let running = Mutex<Set<pid_t>>([])
    private static let atExit: Void = {
        atexit { for pid in Spawn.running.withLock({ $0 }) { kill(pid, SIGTERM) } }
    }()

    let pid: pid_t
    private let status = Mutex<Int32?>(nil)

    /// - Parameter output: a file that is appended to; `errors` may be the same.
    init(
        _ path: String, _ arguments: [String], environment: [String: String], input: String, output: String, errors: String
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        let merged = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var vector: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { (text: String) in strdup(text) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = merged.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in vector + variables { free(text) } }
        var child: pid_t = 0
        let result = posix_spawn(&child, path, &actions, &attributes, &vector, &variables)
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
        guard result == 0 else { throw TestBedError("posix_spawn \(path): \(String(cString: strerror(result)))") }
        pid = child
        Self.atExit
        Self.running.withLock { _ = $0.insert(child) }
    }

    deinit {
        guard isRunning else { return }
        kill(pid, SIGKILL)
        _ = wait()
    }

    var isRunning: Bool { reap(WNOHANG) == nil }

    /// Waits for the end; its exit code.
    func wait() -> Int32 { reap(0) ?? -1 }

    private func reap(_ options: Int32) -> Int32? {
        status.withLock { status in
            if let known = status { return known }
            var raw: Int32 = 0
            guard waitpid(pid, &raw, options) == pid else { return nil }
            let signal = raw & 0x7f
            let code = signal == 0 ? raw >> 8 & 0xff : 128 + signal
            status = code
            Self.running.withLock { _ = $0.remove(pid) }
            return code
        }
    }
}
