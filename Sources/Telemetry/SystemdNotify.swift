internal import Glibc

/// Tells systemd, or another supervisor that speaks sd_notify(3), what state the service is in. Does nothing where none asked.
///
/// The socket is opened once, so that later messages need only write(2), which a sandbox permits. A message never blocks.
public struct SystemdNotify: Sendable {
    /// What can be told.
    public enum State: Sendable, Equatable {
        /// Serving.
        case ready
        /// Reading settings again; ``ready`` follows. Carries the monotonic time, as `Type=notify-reload` demands.
        case reloading
        /// Draining and about to end.
        case stopping
        /// Alive: due more often than ``SystemdNotify/watchdogInterval``.
        case watchdog
        /// One line for `systemctl status`; a newline in it becomes a space, so that it cannot pose as another message.
        case status(String)

        var message: String {
            switch self {
            case .ready: "READY=1"
            case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(Self.monotonicMicroseconds)"
            case .stopping: "STOPPING=1"
            case .watchdog: "WATCHDOG=1"
            case .status(let text): "STATUS=" + text.map { $0.isNewline ? " " : String($0) }.joined()
            }
        }

        private static var monotonicMicroseconds: Int {
            var time = timespec()
            unsafe clock_gettime(CLOCK_MONOTONIC, &time)
            return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
        }
    }

    private let descriptor: Int32?
    /// How often the supervisor wants ``State/watchdog``; send it at half of this. Nil when it does not watch this process.
    public let watchdogInterval: Duration?

    /// Connects to the socket in `NOTIFY_SOCKET` and removes the variables, so that child processes do not speak for this one. Call
    /// once in a process, before other threads exist and before the sandbox closes; the socket is open as long as the process.
    public static func fromEnvironment() -> SystemdNotify {
        func take(_ name: String) -> String? {
            defer { unsafe unsetenv(name) }
            return unsafe getenv(name).map { unsafe String(cString: $0) }
        }
        let path = take("NOTIFY_SOCKET")
        let interval = take("WATCHDOG_USEC").flatMap { Int64($0) }.flatMap { $0 > 0 ? Duration.microseconds($0) : nil }
        let process = take("WATCHDOG_PID")
        return SystemdNotify(path: path, watchdogInterval: process == nil || process == "\(getpid())" ? interval : nil)
    }

    /// Leaves it to a child process, which gets the environment, to speak and to feed the watchdog that systemd meant for this one.
    public static func leaveToChild() { unsafe unsetenv("WATCHDOG_PID") }

    /// Connects to the socket at `path`; a leading `@` stands for the abstract namespace. Nil, or a path that cannot be connected to,
    /// makes every message a no-op.
    init(path: String?, watchdogInterval: Duration? = nil) {
        descriptor = path.flatMap { Self.connect($0) }
        self.watchdogInterval = descriptor == nil ? nil : watchdogInterval
    }

    /// Somebody listens.
    public var isConnected: Bool { descriptor != nil }

    /// Sends one message; a full socket loses it.
    ///
    /// - Returns: false when nobody asked or it was lost.
    @discardableResult
    public func send(_ state: State) -> Bool {
        guard let descriptor else { return false }
        let bytes = Array(state.message.utf8)
        return unsafe write(descriptor, bytes, bytes.count) == bytes.count
    }

    private static func connect(_ path: String) -> Int32? {
        var name = Array(path.utf8)
        let isAbstract = name.first == UInt8(ascii: "@")
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard isAbstract || name.first == UInt8(ascii: "/"), name.count < capacity, !name.contains(0) else { return nil }
        if isAbstract { name[0] = 0 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { buffer in unsafe buffer.copyBytes(from: name) }
        let length = MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0 + name.count + (isAbstract ? 0 : 1) } ?? 0
        let flags = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, flags, 0)
        guard descriptor >= 0 else { return nil }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, socklen_t(length))
            }
        }
        guard result == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
