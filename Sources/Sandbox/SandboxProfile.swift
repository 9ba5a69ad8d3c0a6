internal import Glibc

/// Which system calls a process may make. Every other one ends the process (SECCOMP_RET_KILL_PROCESS, seccomp(2)).
public struct SandboxProfile: Sendable {
    /// As in `ingress`.
    public let name: String
    /// What the process is for and what it must not be able to do, in a sentence.
    public let summary: String
    /// In the order of the table.
    public let rules: [SystemCallRule]
}

extension SandboxProfile {
    /// The gate that meets the network.
    public static let ingress = SandboxProfile(
        name: "ingress", summary: "answers HTTP on connections it is given; dials nobody, starts nothing, opens no file",
        rules: runtime + descriptors + [
            .allow("accept4", because: "takes connections on the listeners it was started with"),
            .allow(
                "sendto", .equal(4, 0, "no address"),
                because: "answers on a connection; with an address, MSG_FASTOPEN would dial (Landlock does not see it)"),
            .allow("recvfrom", because: "reads from a connection"),
            .allow("shutdown", because: "ends one direction of a connection"),
            .fail(
                "madvise", .equal32(2, .max, "advice -1"), with: EINVAL,
                because: "BoringSSL looks whether unknown advice is refused, before it asks to notice forks"),
        ] + socketOptions
            + .fail(
                ["openat", "newfstatat", "readlink", "readlinkat", "socket", "connect"], with: EACCES,
                because: "libraries look for files and name services; they do without"))

    /// The descriptor of the one folder in which a sealed process makes files: the ingress's spool, the executor's audit log. Fixed, so that
    /// the rules can name it.
    public static let folder: Int32 = 63

    /// The same with a spool in its settings: it also writes files in one folder.
    public static let spoolingIngress = SandboxProfile(
        name: "ingress with a spool",
        summary:
            "answers HTTP on connections it is given; dials nobody, starts nothing, opens no file but below its spool's folder",
        rules: ingress.rules.filter { $0.name != "openat" } + [
            .allow(
                "openat", .equal32(0, UInt32(folder), "the spool's folder"),
                .masked(2, UInt64(O_NOFOLLOW), UInt64(O_NOFOLLOW), "O_NOFOLLOW"),
                because: "makes and reads segments; Landlock keeps the path below the folder"),
            .fail(
                "openat", .equal32(0, UInt32(bitPattern: AT_FDCWD), "the working folder"), with: EACCES,
                because: "libraries look for files; they do without"),
            .allow(
                "unlinkat", .equal32(0, UInt32(folder), "the spool's folder"), .equal32(2, 0, "no flags"),
                because: "removes a segment whose deliveries are all done"),
            .allow(
                "fsync", .equal32(0, UInt32(folder), "the spool's folder"), because: "a new segment is there after a crash"),
        ]
            + .allow(
                ["fdatasync", "pread64", "pwrite64", "ftruncate"],
                because:
                    "a delivery is on the disk before it is promised; is read again, marked, and taken back when its write failed"
            ))

    /// The helper that reads the ingress's settings again when it is told to: the ingress itself opens no file.
    public static let settingsReader = SandboxProfile(
        name: "settings-reader",
        summary: "reads the settings and the files they name when it is asked, and has no socket but the one it is asked on",
        rules: runtime + descriptors + [
            .allow(
                "openat", .without(2, bits: readOnly, "read only"),
                because: "reads the settings and the files they name; nothing that comes from the network reaches this process"),
            .allow(
                "clone", .equal(0, forkFlags, "a process of glibc's"),
                because: "reads in a process of its own each time, whose memory then ends"),
            .allow("wait4", because: "waits for that process"),
        ]
            + .allow(
                ["newfstatat", "fstat", "lseek", "geteuid"],
                because: "looks whether a secret file is only its owner's before it takes it")
            + .fail(
                ["stat", "access", "readlink", "readlinkat"], with: EACCES, because: "libraries look for files; they do without"))

    /// The gate that holds the keys.
    public static let executor = SandboxProfile(
        name: "executor",
        summary:
            "speaks over Unix sockets and writes its journal and audit log; has no network, starts nothing, opens no file but its threads' states and the audit log's next one",
        rules: runtime + descriptors + [
            .allow("accept4", because: "takes its SSH workers and operators"),
            .allow("listen", because: "SwiftNIO says the backlog once more; without bind there is no other listener"),
            .allow("socket", .equal32(0, UInt32(AF_UNIX), "AF_UNIX"), because: "dials an ingress again that was restarted"),
            .allow("connect", because: "the same; of its sockets only Unix ones can be there"),
            .allow("recvfrom", because: "reads from a socket"),
            .allow("sendto", .equal(4, 0, "no address"), because: "writes to one"),
            .allow("shutdown", because: "ends one direction of a socket"),
            .allow(
                "kill", .equal32(1, UInt32(SIGKILL), "SIGKILL"), because: "ends an SSH worker that a hostile host keeps spinning"),
        ] + socketOptions
            + .allow(
                [
                    "pread64", "pwrite64", "lseek", "fsync", "fdatasync", "ftruncate", "fstat", "fchmod", "fchown", "geteuid",
                    "unlink",
                    "unlinkat",
                ], because: "the journal, SQLite on descriptors that are open already, and the audit log")
            + .allow(
                ["epoll_create1", "eventfd2", "timerfd_create"], because: "libdispatch makes its own when the first timer is set")
            + [
                .allow(
                    "openat", .without(2, bits: readOnly, "read only"),
                    because:
                        "libdispatch reads the states of its threads and ends the process when it cannot; Landlock names the place"
                ),
                .allow(
                    "newfstatat", .masked(3, emptyPath, emptyPath, "AT_EMPTY_PATH"),
                    because: "what glibc makes of fstat: SQLite asks for the size of its files"),
                .fail(
                    "newfstatat", .masked(3, emptyPath, 0, "no AT_EMPTY_PATH"), with: EACCES, because: "libraries look for files"),
                .allow(
                    "openat", .equal32(0, UInt32(folder), "the audit log's folder"),
                    .equal32(2, newFile, "a new file to append to"),
                    because: "begins the audit log's next file; Landlock keeps the path below the folder"),
                .fail(
                    "openat", .equal32(0, UInt32(bitPattern: AT_FDCWD), "the working folder"),
                    .masked(2, UInt64(O_ACCMODE), UInt64(O_WRONLY), "write only"), with: EACCES, because: "never"),
                .fail(
                    "openat", .equal32(0, UInt32(bitPattern: AT_FDCWD), "the working folder"),
                    .masked(2, UInt64(O_ACCMODE), UInt64(O_RDWR), "read and write"), with: EACCES, because: "never"),
            ]
            + .fail(
                ["stat", "access", "readlink", "getcwd", "mkdir"], with: EACCES,
                because: "SQLite and libraries look for files; they do without"))

    /// The command that serves the executor's metrics.
    public static let exporter = SandboxProfile(
        name: "metrics-exporter",
        summary: "answers HTTP on its listener and asks over Unix sockets; has no other network, starts nothing, opens no file",
        rules: runtime + descriptors + [
            .allow("accept4", because: "takes connections on its listener"),
            .allow("socket", .equal32(0, UInt32(AF_UNIX), "AF_UNIX"), because: "asks the executor over its admin socket"),
            .allow("connect", because: "the same; of its sockets only Unix ones can be there"),
            .allow(
                "sendto", .equal(4, 0, "no address"),
                because: "answers on a connection; with an address, MSG_FASTOPEN would dial (Landlock does not see it)"),
            .allow("recvfrom", because: "reads from a connection"),
            .allow("shutdown", because: "ends one direction of a connection"),
        ] + socketOptions
            + .fail(
                ["openat", "newfstatat", "readlink", "readlinkat"], with: EACCES,
                because: "libraries look for files; they do without"))

    /// The process that parses SSH.
    public static let worker = SandboxProfile(
        name: "ssh-worker", summary: "speaks SSH over TCP; has no key, starts nothing, writes no file, signals nobody",
        rules: runtime + descriptors + [] + workerSockets + [
            .fail(
                "socket", .equal32(0, UInt32(AF_UNIX), "AF_UNIX"), with: EACCES, because: "glibc asks for a name service cache"),
            .fail(
                "socket", .equal32(0, UInt32(AF_NETLINK), "AF_NETLINK"), with: EACCES, because: "glibc asks for the interfaces"),
            .allow("connect", because: "the same; Landlock keeps TCP to the ports of the settings"),
            .allow(
                "sendto", .without(3, bits: fastOpen, "no MSG_FASTOPEN"),
                because: "SSH packets, and questions to a name server; with MSG_FASTOPEN it would connect past Landlock"),
            .allow("recvfrom", because: "the answers"), .allow("recvmsg", because: "name services"),
            .allow(
                "sendmmsg", .without(3, bits: fastOpen, "no MSG_FASTOPEN"),
                because: "name services ask for both address families at once"),
            .allow("bind", because: "name services"),
            .allow(
                "socketpair", .equal32(0, UInt32(AF_UNIX), "AF_UNIX"),
                because: "a session that goes through a jump host; the two ends reach nobody but one another"),
            .allow("shutdown", because: "ends a connection before libssh2 can wait for it"),
            .allow(
                "openat", .without(2, bits: readOnly, "read only"), because: "the resolver's files; Landlock names them"),
        ] + socketOptions
            + .allow(["newfstatat", "fstat", "lseek", "uname", "pread64", "sysinfo"], because: "the resolver")
            + [
                .allow(
                    "ioctl", .equal32(1, 0x541b, "FIONREAD"),
                    because: "the resolver looks how long an answer is; TIOCSTI would type on a terminal")
            ]
            + .fail(["readlink", "access", "stat"], with: EACCES, because: "libraries look for files; they do without"))

    /// What Swift's runtime, glibc, SwiftNIO and OpenSSL need in every process.
    private static let runtime: [SystemCallRule] =
        .allow(
            [
                "futex", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack", "munmap", "brk", "mremap", "gettid",
                "getpid",
                "rseq", "set_robust_list", "exit", "exit_group", "clock_nanosleep", "nanosleep", "clock_gettime", "sched_yield",
                "restart_syscall", "sched_getaffinity", "getrandom",
            ], because: "threads, memory, time and randomness")
        + [
            .allow("mmap", .without(2, bits: UInt64(PROT_EXEC), "no PROT_EXEC"), because: "memory, none of it to be run"),
            .allow("mprotect", .without(2, bits: UInt64(PROT_EXEC), "no PROT_EXEC"), because: "memory, none of it to be run"),
            .allow("clone", .equal(0, threadFlags, "a thread of glibc's"), because: "threads, never a process"),
            .allow("prctl", .equal32(0, 15, "PR_SET_NAME"), because: "libdispatch and SwiftNIO name their threads"),
            .allow("prctl", .equal32(0, 16, "PR_GET_NAME"), because: "the same"),
        ]
        + [4, 8, 16, 18].map { advice in
            .allow(
                "madvise", .equal32(2, advice, "advice \(advice)"),
                because: "gives memory back (4, 8); keeps secrets out of dumps and forks (16, 18)")
        }
        + .allow(["mlock"], because: "keeps a secret from being swapped out")
        + .fail(["clone3"], with: ENOSYS, because: "its arguments cannot be looked at; glibc then uses clone")
        + .fail(
            ["setpriority", "sched_setscheduler", "rt_sigaction"], with: EPERM, because: "libdispatch asks and can do without")

    /// Files and sockets that are open, and waiting on them.
    private static let descriptors: [SystemCallRule] =
        .allow(
            [
                "read", "write", "readv", "writev", "close", "poll", "epoll_wait", "epoll_pwait", "epoll_ctl", "timerfd_settime",
                "ppoll",
            ], because: "descriptors that are open, and waiting on them") + [
            .allow("fcntl", .equal32(1, UInt32(F_GETFD), "F_GETFD"), because: "descriptor flags"),
            .allow("fcntl", .equal32(1, UInt32(F_SETFD), "F_SETFD"), because: "the same"),
            .allow("fcntl", .equal32(1, UInt32(F_GETFL), "F_GETFL"), because: "the same"),
            .allow("fcntl", .equal32(1, UInt32(F_SETFL), "F_SETFL"), because: "the same"),
            .allow("fcntl", .equal32(1, UInt32(F_GETLK), "F_GETLK"), because: "SQLite's locks"),
            .allow("fcntl", .equal32(1, UInt32(F_SETLK), "F_SETLK"), because: "the same"),
        ]

    private static let socketOptions: [SystemCallRule] = .allow(
        ["getsockopt", "setsockopt", "getsockname", "getpeername"], because: "options and addresses of sockets it has")

    /// What O_RDONLY leaves out, and what changes a file all the same.
    private static let readOnly = UInt64(O_ACCMODE | O_CREAT | O_TRUNC)

    /// What the executor opens the audit log's next file with: it must not be there yet.
    public static let newFile = UInt32(O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW)

    /// TCP and UDP alone: Landlock's ports hold for TCP, not for MPTCP or SCTP.
    private static let workerSockets: [SystemCallRule] = [(AF_INET, "AF_INET"), (AF_INET6, "AF_INET6")].flatMap { family, name in
        [
            socket(UInt32(family), name, kind: 1, "a stream", protocol: 0, "the usual"),
            socket(UInt32(family), name, kind: 1, "a stream", protocol: 6, "TCP"),
            socket(UInt32(family), name, kind: 2, "datagrams", protocol: 0, "the usual"),
            socket(UInt32(family), name, kind: 2, "datagrams", protocol: 17, "UDP"),
        ]
    }

    private static func socket(
        _ family: UInt32, _ name: String, kind: UInt64, _ kindName: String, protocol number: UInt32, _ protocolName: String
    ) -> SystemCallRule {
        .allow(
            "socket", .equal32(0, family, name), .masked(1, 0xf, kind, kindName), .equal32(2, number, protocolName),
            because: kind == 1 ? "a connection to a host or a name server" : "a question to a name server")
    }

    /// MSG_FASTOPEN (linux/tcp.h).
    private static let fastOpen: UInt64 = 0x2000_0000

    /// AT_EMPTY_PATH: the descriptor itself is meant.
    private static let emptyPath: UInt64 = 0x1000

    /// CLONE_CHILD_SETTID | CHILD_CLEARTID | SIGCHLD: what glibc's fork asks for.
    private static let forkFlags: UInt64 = 0x120_0011

    /// CLONE_VM | FS | FILES | SIGHAND | THREAD | SYSVSEM | SETTLS | PARENT_SETTID | CHILD_CLEARTID: what glibc's pthread_create asks for.
    private static let threadFlags: UInt64 = 0x3d0f00
}

extension [SystemCallRule] {
    fileprivate static func allow(_ names: [String], because reason: String) -> [SystemCallRule] {
        SystemCallRule.allow(names, because: reason)
    }

    fileprivate static func fail(_ names: [String], with errno: Int32, because reason: String) -> [SystemCallRule] {
        SystemCallRule.fail(names, with: errno, because: reason)
    }
}
