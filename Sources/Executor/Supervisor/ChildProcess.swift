internal import Glibc

/// A process the supervisor starts, and starts again.
struct ChildProcess {
    /// Wait before a child that ended is started again, doubled while it keeps ending within ``steady``.
    static let restart = (first: 100, maximum: 5000)
    /// A child that lived this long, in milliseconds, begins with the first wait again.
    static let steady = 10_000

    let name: String
    let path: String
    let arguments: [String]
    /// It gets this process's environment; otherwise none at all, for what is in there may be secret.
    let inheritsEnvironment: Bool
    private(set) var pid: pid_t = 0
    /// Monotonic milliseconds at which it may be started.
    private(set) var startsAt = 0
    private var startedAt = 0
    private var wait = restart.first

    init(name: String, path: String, arguments: [String], inheritsEnvironment: Bool = false) {
        self.name = name
        self.path = path
        self.arguments = arguments
        self.inheritsEnvironment = inheritsEnvironment
    }

    var isRunning: Bool { pid != 0 }

    /// Starts it with an empty signal mask and default dispositions.
    ///
    /// - Throws: ``SpawnError`` naming the path.
    mutating func start(now: Int) throws(SpawnError) {
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var vector = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe vector.forEach { unsafe free($0) } }
        var nothing: [UnsafeMutablePointer<CChar>?] = unsafe [nil]
        let error =
            unsafe inheritsEnvironment
            ? posix_spawn(&pid, path, nil, &attributes, &vector, environ)
            : posix_spawn(&pid, path, nil, &attributes, &vector, &nothing)
        guard error == 0 else {
            pid = 0
            ended(now: now)
            throw SpawnError(path: path, errno: error)
        }
        startedAt = now
    }

    /// Notes that it ended and when it may start again.
    mutating func ended(now: Int) {
        if pid != 0, now - startedAt >= Self.steady { wait = Self.restart.first }
        pid = 0
        startsAt = now + wait
        wait = min(wait * 2, Self.restart.maximum)
    }

    /// The process goes on by itself; another one is to be started now.
    mutating func replaced(now: Int) {
        pid = 0
        startsAt = now
    }

    func signal(_ number: Int32) {
        if isRunning { kill(pid, number) }
    }
}

/// A child could not be started.
struct SpawnError: Error, CustomStringConvertible {
    let path: String
    let errno: Int32

    var description: String {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return "cannot start \(path): \(reason)"
    }
}
