internal import Glibc

/// One thing that no process of ours may be able to do once it is sealed.
struct Attack: Sendable {
    /// What an attacker is after.
    enum Aim: String, Sendable, CaseIterable {
        case program = "start a program"
        case process = "reach another process"
        case file = "reach a file"
        case network = "reach the network"
        case kernel = "reach more of the kernel"
        case memory = "run other code"
    }

    let aim: Aim
    /// As in `execve /bin/true`.
    let name: String
    /// Profiles whose work this is, by name.
    let allowed: Set<String>
    /// Tries it, in a process of its own. What comes back is a result, or -errno.
    let attempt: @Sendable (AttackGround) -> Int
    /// It ends the process by a fault, and what counts is that no core is left.
    var crashes = false
    /// Made by a thread that was there before the system calls were restricted.
    var isThreaded = false
    /// The version of Landlock without which only the table of system calls stands in the way; 0 where that is enough.
    let landlock: Int

    init(
        _ aim: Aim, _ name: String, allowed: Set<String> = [], landlock: Int = 0,
        _ attempt: @escaping @Sendable (AttackGround) -> Int
    ) {
        self.aim = aim
        self.name = name
        self.allowed = allowed
        self.landlock = landlock
        self.attempt = attempt
    }

    /// Every one, in the order of the table.
    static func all(secrets: [String]) -> [Attack] {
        programs + processes + files(secrets) + network + kernel + memory
    }
}

/// What came of an attempt.
enum AttackOutcome: Sendable, Equatable {
    /// The kernel ended the process for it: SIGSYS.
    case killed
    /// The call failed with an errno that says no.
    case refused(Int32)
    /// Ended by a fault, as it was to be.
    case crashed(core: Bool)
    /// It worked.
    case succeeded
    /// The call got past the seal and failed for a reason of its own.
    case reached(Int32)
    /// Ended otherwise: by this signal, or without an answer where it is 0.
    case ended(Int32)

    /// From what the call returned.
    init(result: Int) {
        guard result < 0 else {
            self = .succeeded
            return
        }
        let errno = Int32(clamping: -result)
        self = [EPERM, EACCES, ENOSYS].contains(errno) ? .refused(errno) : .reached(errno)
    }

    /// The attacker got nothing.
    var isHeld: Bool {
        switch self {
        case .killed, .refused, .crashed(core: false): true
        case .succeeded, .reached, .ended, .crashed(core: true): false
        }
    }

    /// As in the table.
    var words: String {
        switch self {
        case .killed: "killed"
        case .refused(let errno): "refused: \(Self.reason(errno))"
        case .crashed(let core): core ? "left a core" : "no core"
        case .succeeded: "works"
        case .reached(let errno): "gets to the kernel: \(Self.reason(errno))"
        case .ended(let signal): signal == 0 ? "no answer" : "ended by signal \(signal)"
        }
    }

    private static func reason(_ errno: Int32) -> String {
        unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
    }
}
