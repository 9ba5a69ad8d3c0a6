internal import CLinux
internal import Glibc

/// Which files and TCP ports a process may reach, kept by Landlock (landlock(7)). Everything else is denied.
public struct FileAccess: Sendable {
    /// Files that may be read, and folders in which every file may be.
    public var readable: [String]
    /// Folders in which files may be read, made, written and removed.
    public var usable: [String]
    /// TCP ports that may be connected to, from Linux 6.7 on.
    public var ports: [UInt16]

    /// Processes outside may be sent signals, as far as the system calls allow it.
    public var signals: Bool

    /// Nothing but what is given.
    public init(readable: [String] = [], usable: [String] = [], ports: [UInt16] = [], signals: Bool = false) {
        self.signals = signals
        self.readable = readable
        self.usable = usable
        self.ports = ports
    }

    /// An SSH worker's: the resolver's files, the hosts' ports, and port 53, for name servers are asked over TCP where an answer is long.
    public static func worker(ports: [UInt16]) -> FileAccess { FileAccess(readable: resolver, ports: Set(ports + [53]).sorted()) }

    /// What glibc's name services read.
    public static let resolver = [
        "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
        "/run/systemd/resolve/stub-resolv.conf", "/run/systemd/resolve/resolv.conf",
    ]

    /// Where libdispatch reads the states of its threads, by thread id: it ends the process when it cannot. What there is of other
    /// processes that is not for everybody is out of reach all the same, for Landlock also keeps ptrace(2) within its domain.
    public static let threadStates = "/proc"

    /// The version of Landlock that the kernel has; 0 for none.
    public static var kernelVersion: Int { Int(sallyport_landlock_abi()) }

    /// Restricts the calling thread and those it makes from now on. Call while there is one.
    ///
    /// - Returns: the version that was reached; 0 when the kernel has none.
    func apply() throws(SandboxError) -> Int {
        let rights =
            readable.map { ($0, sallyport_landlock_read_file()) } + usable.map { ($0, sallyport_landlock_use_folder()) }
        var rules: [sallyport_path_rule] = unsafe []
        defer { unsafe rules.forEach { unsafe free(UnsafeMutablePointer(mutating: $0.path)) } }
        for (path, access) in rights {
            guard let copy = unsafe strdup(path) else { throw SandboxError("copy a path", errno: ENOMEM) }
            unsafe rules.append(sallyport_path_rule(path: copy, access: access))
        }
        var step: UnsafePointer<CChar>?
        let result = unsafe sallyport_landlock_restrict(rules, rules.count, ports, ports.count, signals ? 1 : 0, &step)
        guard result >= 0 else {
            throw SandboxError(unsafe step.map { unsafe String(cString: $0) } ?? "landlock", errno: -result)
        }
        return Int(result)
    }
}
