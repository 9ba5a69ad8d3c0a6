internal import Authentication
internal import Glibc
public import Logging
internal import Sandbox

/// Starts the executor proper and the SSH workers and starts a dead one again. Holds no key, no socket and no settings.
public struct Supervisor {
    /// Exit code of a child that cannot read its settings (EX_CONFIG of sysexits.h).
    public static let badSettings: Int32 = 78
    /// Exit code of a child that cannot begin to serve. Starting it again would not help: it has said why, and whoever runs the
    /// supervisor decides.
    public static let cannotStart: Int32 = 1
    /// How long children may take to end when the supervisor is told to stop, in milliseconds.
    static let stopLimit = 45_000

    /// How often the resolver's files are looked at, in milliseconds.
    static let lookInterval = 2_000
    /// Workers that end by themselves and have a successor already; more are not replaced before some have ended.
    static let maximumLeaving = 32

    private var children: [ChildProcess]
    /// The resolver's files as each child was started with them.
    private var files: [pid_t: FileIdentities] = [:]
    /// Workers that were replaced: they end when their commands do.
    private var leaving: Set<pid_t> = []
    private let logger: Logger

    /// One executor and the SSH workers of the layout.
    public init(executor: String, configuration: String, worker: String, layout: WorkerLayout, logger: Logger) {
        // Tells this supervisor's workers from those of another one that was started by mistake.
        let family = ["--family", Hex.encode(Random.bytes(8))]
        children =
            [
                ChildProcess(
                    name: "executor", path: executor, arguments: ["run", "--config", configuration] + family,
                    inheritsEnvironment: true)
            ]
            + (1...layout.count).map {
                ChildProcess(name: "ssh-worker-\($0)", path: worker, arguments: layout.arguments + family)
            }
        self.logger = logger
    }

    /// Runs until it is told to stop and returns the exit code. Call on the main thread, with signals blocked.
    public mutating func run() -> Int32 {
        StartUpPages.giveBack()
        while true {
            if let code = startDue() { return stop(code) }
            let next = children.filter { !$0.isRunning }.map { $0.startsAt }.min()
            replaceWorkers()
            switch ProcessSignals.next(within: min(Self.lookInterval, next.map { max(1, $0 - Self.now()) } ?? .max)) {
            case .stop: return stop(0)
            case .reload: children.first?.signal(SIGHUP)
            case .child: if let code = reap() { return stop(code) }
            case nil: break
            }
        }
    }

    /// A worker cannot see a file that was put in the place of one the resolver reads: it ends when its commands do, and another one, that
    /// can, must not wait for that.
    private mutating func replaceWorkers() {
        for index in children.indices.dropFirst() where children[index].isRunning && leaving.count < Self.maximumLeaving {
            let pid = children[index].pid
            guard files[pid]?.areReplaced == true else { continue }
            logger.info(
                "the resolver's files were replaced: another worker takes over",
                metadata: ["process": "\(children[index].name)", "pid": "\(pid)"])
            leaving.insert(pid)
            children[index].replaced(now: Self.now())
        }
    }

    private mutating func startDue() -> Int32? {
        let now = Self.now()
        let seen = FileIdentities(FileAccess.resolver)
        for index in children.indices where !children[index].isRunning && children[index].startsAt <= now {
            do {
                try children[index].start(now: now)
                files[children[index].pid] = seen
                logger.info("started", metadata: ["process": "\(children[index].name)", "pid": "\(children[index].pid)"])
            } catch {
                logger.critical("\(error)")
                return 71
            }
        }
        return nil
    }

    /// Notes who ended; the exit code when that means the end of all.
    private mutating func reap() -> Int32? {
        var status: Int32 = 0
        while true {
            let pid = unsafe waitpid(-1, &status, WNOHANG)
            guard pid > 0 else { return nil }
            files[pid] = nil
            if leaving.remove(pid) != nil {
                logger.info(
                    "ended", metadata: ["process": "ssh-worker, replaced", "pid": "\(pid)", "how": "\(Self.describe(status))"])
            }
            guard let index = children.firstIndex(where: { $0.pid == pid }) else { continue }
            children[index].ended(now: Self.now())
            logger.error(
                "ended", metadata: ["process": "\(children[index].name)", "pid": "\(pid)", "how": "\(Self.describe(status))"])
            let code = status >> 8 & 0xff
            if index == 0, status & 0x7f == 0, code == Self.badSettings || code == Self.cannotStart { return code }
        }
    }

    private mutating func stop(_ code: Int32) -> Int32 {
        // The executor first: it finishes what runs, and its workers end when it is gone.
        children.first?.signal(SIGTERM)
        let deadline = Self.now() + Self.stopLimit
        var told = false
        while children.contains(where: \.isRunning) || !leaving.isEmpty, Self.now() < deadline {
            if !told, children.first?.isRunning == false {
                told = true
                for child in children.dropFirst() { child.signal(SIGTERM) }
                for pid in leaving { kill(pid, SIGTERM) }
            }
            _ = ProcessSignals.next(within: 200)
            var status: Int32 = 0
            while case let pid = unsafe waitpid(-1, &status, WNOHANG), pid > 0 {
                leaving.remove(pid)
                if let index = children.firstIndex(where: { $0.pid == pid }) { children[index].ended(now: Self.now()) }
            }
        }
        for child in children { child.signal(SIGKILL) }
        for pid in leaving { kill(pid, SIGKILL) }
        return code
    }

    private static func describe(_ status: Int32) -> String {
        switch status & 0x7f {
        case 0: "exit code \(status >> 8 & 0xff)"
        case SIGSYS: "signal \(SIGSYS): it made a system call outside its sandbox; see print-sandbox and the kernel's audit log"
        case let signal: "signal \(signal)"
        }
    }

    private static func now() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
