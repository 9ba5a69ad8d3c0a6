internal import Glibc

extension Attack {
    private static func vector(_ program: String) -> (path: Int, arguments: Int, environment: Int) {
        let path = SystemCall.text(program)
        return (path, SystemCall.words([path, 0]), SystemCall.words([0]))
    }

    private static func run(_ program: String) -> Int {
        let (path, arguments, environment) = vector(program)
        return SystemCall.make("execve", path, arguments, environment)
    }

    private static let program = "/bin/true"

    /// Another program, or another process.
    static let programs: [Attack] = [
        // A call that worked would not come back: the process then ends with exit code 0.
        Attack(.program, "execve \(program)") { _ in run(program) },
        Attack(.program, "execveat of an open file") { _ in
            let (path, arguments, environment) = vector(program)
            let file = SystemCall.make("openat", Int(AT_FDCWD), path, SystemCall.openPath)
            return file < 0
                ? file : SystemCall.make("execveat", file, SystemCall.text(""), arguments, environment, SystemCall.emptyPath)
        },
        Attack(.program, "execveat of a file in memory") { _ in
            let file = SystemCall.make("memfd_create", SystemCall.text("program"), 0)
            guard file >= 0 else { return file }
            let script = Array("#!/bin/sh\nexit 0\n".utf8)
            _ = SystemCall.make("write", file, SystemCall.bytes(script), script.count)
            let (_, arguments, environment) = vector(program)
            return SystemCall.make("execveat", file, SystemCall.text(""), arguments, environment, SystemCall.emptyPath)
        },
        {
            var attack = Attack(.program, "execve by a thread that was there before") { _ in run(program) }
            attack.isThreaded = true
            return attack
        }(),
        Attack(.program, "fork") { _ in child(SystemCall.make("clone", Int(SIGCHLD))) },
        Attack(.program, "fork as glibc does") { _ in child(SystemCall.make("clone", 0x120_0011)) },
        Attack(.program, "clone3 a process") { _ in
            // struct clone_args: the signal is its fifth word.
            child(SystemCall.make("clone3", SystemCall.words([0, 0, 0, 0, Int(SIGCHLD), 0, 0, 0]), 64))
        },
        Attack(.program, "clone into other namespaces") { _ in child(SystemCall.make("clone", 0x1000_0000 | Int(SIGCHLD))) },
    ]

    /// A child that came to be ends at once.
    private static func child(_ result: Int) -> Int {
        if result == 0 { _ = SystemCall.make("exit_group", 0) }
        return result
    }

    /// A process of the same user, and what it holds.
    static let processes: [Attack] = [
        Attack(.process, "ptrace it") { SystemCall.make("ptrace", 16, Int($0.victim)) },
        Attack(.process, "ptrace it without stopping it") { SystemCall.make("ptrace", 0x4206, Int($0.victim)) },
        Attack(.process, "let the parent trace") { _ in SystemCall.make("ptrace", 0) },
        Attack(.process, "read its memory") { ground in
            SystemCall.make(
                "process_vm_readv", Int(ground.victim), SystemCall.words([SystemCall.bytes(64), 64]), 1,
                SystemCall.words([ground.canary, 64]), 1)
        },
        Attack(.process, "write its memory") { ground in
            SystemCall.make(
                "process_vm_writev", Int(ground.victim), SystemCall.words([SystemCall.bytes(64), 64]), 1,
                SystemCall.words([ground.canary, 64]), 1)
        },
        Attack(.process, "open its /proc/pid/mem") { open("/proc/\($0.victim)/mem", O_RDWR) },
        Attack(.process, "read its /proc/pid/mem") { ground in
            let file = open("/proc/\(ground.victim)/mem", O_RDONLY)
            return file < 0 ? file : SystemCall.make("pread64", file, SystemCall.bytes(64), 64, ground.canary)
        },
        Attack(.process, "open its /proc/pid/environ") { open("/proc/\($0.victim)/environ", O_RDONLY) },
        Attack(.process, "open its /proc/pid/maps") { open("/proc/\($0.victim)/maps", O_RDONLY) },
        Attack(.process, "take one of its descriptors") { ground in
            let process = SystemCall.make("pidfd_open", Int(ground.victim))
            return process < 0 ? process : SystemCall.make("pidfd_getfd", process, 0)
        },
        Attack(.process, "end it") { SystemCall.make("kill", Int($0.victim), Int(SIGTERM)) },
        Attack(.process, "kill it", allowed: [SandboxProfile.executor.name]) {
            SystemCall.make("kill", Int($0.victim), Int(SIGKILL))
        },
        Attack(.process, "end one of its threads") {
            SystemCall.make("tgkill", Int($0.victim), Int($0.victim), Int(SIGTERM))
        },
        Attack(.process, "signal it with a value") {
            SystemCall.make("rt_sigqueueinfo", Int($0.victim), Int(SIGTERM), SystemCall.bytes(128))
        },
        Attack(.process, "signal it by a descriptor") { ground in
            let process = SystemCall.make("pidfd_open", Int(ground.victim))
            return process < 0 ? process : SystemCall.make("pidfd_send_signal", process, Int(SIGTERM))
        },
        Attack(.process, "change its limits") { ground in
            // RLIMIT_CORE.
            SystemCall.make("prlimit64", Int(ground.victim), 4, SystemCall.words([-1, -1]))
        },
        Attack(.process, "have it looked at by perf") { ground in
            SystemCall.make("perf_event_open", SystemCall.bytes(128), Int(ground.victim), -1, -1)
        },
        Attack(.process, "give its memory back") { ground in
            let process = SystemCall.make("pidfd_open", Int(ground.victim))
            guard process >= 0 else { return process }
            return SystemCall.make("process_madvise", process, SystemCall.words([ground.canary, 4096]), 1, 21)
        },
    ]

    static func open(_ path: String, _ flags: Int32) -> Int {
        SystemCall.make("openat", Int(AT_FDCWD), SystemCall.text(path), Int(flags), 0o600)
    }
}
