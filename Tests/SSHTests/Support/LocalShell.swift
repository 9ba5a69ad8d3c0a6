import Foundation
import Glibc

@testable import SSH

/// A shell on this machine in a session of its own, as sshd would start it, with pipes for its three streams.
final class LocalShell {
    static let spawning = NSLock()
    /// POSIX_SPAWN_SETSID of <spawn.h>, which is behind _GNU_SOURCE.
    private static let newSession: Int32 = 0x80

    let pid: pid_t
    private var input: Int32
    private var streams: [Int32]
    /// Both streams were read to their end: the process ends by itself.
    private var isEnded = false
    private var isReaped = false

    init(_ shell: String, _ line: String, environment: [String] = ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/"]) throws {
        // Descriptors of one must not slip into another that is started meanwhile.
        Self.spawning.lock()
        defer { Self.spawning.unlock() }
        for descriptor in Int32(3)..<1024 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var pipes: [[Int32]] = []
        for _ in 0..<3 {
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else { throw LocalShellError(step: "pipe", errno: errno) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            pipes.append(ends)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, pipes[0][0], 0)
        posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 1)
        posix_spawn_file_actions_adddup2(&actions, pipes[2][1], 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | Self.newSession))
        var arguments = Self.vector([shell, "-c", line])
        var variables = Self.vector(environment)
        defer { for text in arguments + variables { free(text) } }
        var child: pid_t = 0
        let result = posix_spawn(&child, shell, &actions, &attributes, &arguments, &variables)
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
        for (pipe, end) in zip(pipes, [0, 1, 1]) { close(pipe[end]) }
        (input, streams) = (pipes[0][1], [pipes[1][0], pipes[2][0]])
        guard result == 0 else { throw LocalShellError(step: "posix_spawn \(shell)", errno: result) }
        pid = child
        for descriptor in [input] + streams { _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) }
        signal(SIGPIPE, SIG_IGN)
    }

    private static func vector(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        texts.map { (text: String) in strdup(text) } + [nil]
    }

    /// Waits until a prelude is ready; false when it will not be.
    func prepare(_ prelude: WaitingPrelude, within limit: Int = 15_000) -> Bool {
        feed(Array(prelude.unsent))
        prelude.wrote(prelude.unsent.count)
        let end = Monotonic.now() + limit
        var isOpen = [true, true]
        while Monotonic.now() < end, prelude.processGroup == nil, prelude.unsuitable == nil, isOpen != [false, false] {
            var entries = (0...1).map { pollfd(fd: isOpen[$0] ? streams[$0] : -1, events: Int16(POLLIN), revents: 0) }
            poll(&entries, 2, 20)
            for index in 0...1 where entries[index].revents != 0 {
                guard let bytes = readSome(index) else { isOpen[index] = false; continue }
                prelude.received(bytes, stderr: index == 1)
            }
        }
        return prelude.processGroup != nil
    }

    /// Drives a command as a connection does, until its trailer, the end of both streams or `isEnough`; `closeInput` says when to cancel.
    func drive(
        _ run: LeaseRun, withholding: Int = 0, within limit: Int = 15_000, closeInput: () -> Bool = { false },
        until isEnough: () -> Bool = { false }
    ) {
        let end = Monotonic.now() + limit
        var isOpen = [true, true]
        while !run.hasEnded, !isEnough(), Monotonic.now() < end, isOpen != [false, false] {
            if input >= 0, closeInput() { endInput() }
            let unsent = run.unsent.dropLast(withholding)
            var entries = [pollfd(fd: input >= 0 && !unsent.isEmpty ? input : -1, events: Int16(POLLOUT), revents: 0)]
            for index in 0...1 {
                entries.append(pollfd(fd: isOpen[index] ? streams[index] : -1, events: Int16(POLLIN), revents: 0))
            }
            poll(&entries, 3, 20)
            if entries[0].revents != 0 {
                let count = unsent.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
                if count > 0 { run.wrote(count) } else if errno == EPIPE { endInput() }
            }
            for index in 0...1 where entries[1 + index].revents != 0 {
                guard let bytes = readSome(index) else { isOpen[index] = false; continue }
                run.received(bytes, stderr: index == 1, now: Monotonic.now())
            }
        }
        if isOpen == [false, false] { run.channelEnded() }
    }

    /// Writes to its standard input, which must have room for it.
    func feed(_ bytes: [UInt8]) { _ = bytes.withUnsafeBytes { write(input, $0.baseAddress, $0.count) } }

    /// Reads both streams, with its input open, until `isEnough` of what came on the one or the other (true for standard error).
    func look(within limit: Int = 15_000, until isEnough: ([UInt8], Bool) -> Bool) {
        let end = Monotonic.now() + limit
        var isOpen = [true, true]
        while Monotonic.now() < end, isOpen != [false, false] {
            for index in 0...1 where isOpen[index] {
                guard let bytes = readSome(index) else { isOpen[index] = false; continue }
                if !bytes.isEmpty, isEnough(bytes, index == 1) { return }
            }
            usleep(5_000)
        }
    }

    /// Both streams to their end.
    func readToEnd() -> (stdout: [UInt8], stderr: [UInt8]) {
        endInput()
        isEnded = true
        var all: [[UInt8]] = [[], []]
        for index in 0...1 {
            var entry = pollfd(fd: streams[index], events: Int16(POLLIN), revents: 0)
            while poll(&entry, 1, 10_000) > 0, let bytes = readSome(index) { all[index] += bytes }
        }
        return (all[0], all[1])
    }

    /// nil at the end.
    private func readSome(_ index: Int) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = read(streams[index], &buffer, buffer.count)
        if count < 0, errno == EAGAIN { return [] }
        return count > 0 ? Array(buffer.prefix(count)) : nil
    }

    func endInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// Processes of its session that still live, itself aside.
    var survivors: [pid_t] { Self.processes { $0.session == pid && $0.pid != pid } }

    /// It has ended by itself.
    var hasEnded: Bool {
        if !isReaped, waitpid(pid, nil, WNOHANG) == pid { isReaped = true }
        return isReaped
    }

    /// Ends whatever is left, unless it ends at once by itself; its wait status.
    @discardableResult
    func kill() -> Int32 {
        endInput()
        guard !isReaped else { return 0 }
        isReaped = true
        for stream in streams { close(stream) }
        var status: Int32 = 0
        for _ in 0..<(isEnded ? 200 : 0) {
            if waitpid(pid, &status, WNOHANG) == pid { return status }
            usleep(5_000)
        }
        for process in Self.processes({ $0.session == pid }) { Glibc.kill(process, SIGKILL) }
        waitpid(pid, &status, 0)
        return status
    }

    /// Living processes that `include` wants.
    static func processes(_ include: ((pid: pid_t, parent: pid_t, group: pid_t, session: pid_t)) -> Bool) -> [pid_t] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var found: [pid_t] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let pid = pid_t(name), let text = contents("/proc/\(name)/stat"), let end = text.lastIndex(of: ")") else {
                continue
            }
            let fields = text[text.index(after: end)...].split(separator: " ")
            guard fields.count > 4, fields[0] != "Z", let parent = pid_t(fields[1]), let group = pid_t(fields[2]),
                let session = pid_t(fields[3])
            else { continue }
            if include((pid, parent, group, session)) { found.append(pid) }
        }
        return found
    }

    private static func contents(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }
}

struct LocalShellError: Error {
    let step: String
    let errno: Int32
}
