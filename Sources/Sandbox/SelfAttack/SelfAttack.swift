internal import CLinux
internal import Glibc

/// Attacks a process sealed as the real one is, each attack in a process of its own, and again without the seal: only what works
/// there proves anything here.
public struct SelfAttack {
    private let profile: SandboxProfile
    private let files: FileAccess
    private let secrets: [String]

    /// - Parameter secrets: files that the sealed process must not be able to open.
    /// - Throws: ``SandboxError`` naming one that cannot be read now: then nothing would be shown.
    public init(_ profile: SandboxProfile, files: FileAccess, secrets: [String]) throws(SandboxError) {
        self.profile = profile
        self.files = files
        var paths: [String] = []
        for secret in secrets {
            guard unsafe access(secret, R_OK) == 0, let path = unsafe realpath(secret, nil) else {
                throw SandboxError("attack \(secret): it cannot be read without the seal", errno: errno)
            }
            defer { unsafe free(path) }
            unsafe paths.append(String(cString: path))
        }
        self.secrets = paths
    }

    /// Takes about a second. Call while there is one thread.
    ///
    /// - Throws: ``SandboxError`` when what the attacks are aimed at cannot be made, or the process cannot be sealed.
    public func run() throws(SandboxError) -> SelfAttackReport {
        var lines: [SelfAttackReport.Line] = []
        for attack in Attack.all(secrets: secrets) {
            // Unsealed, a crash would call Swift's crash handler: a program that reads this one's memory.
            let control = attack.crashes ? nil : try outcome(of: attack, sealed: false)
            let sealed = try outcome(of: attack, sealed: true)
            lines.append(
                .init(attack: attack, isAllowed: attack.allowed.contains(profile.name), sealed: sealed, control: control))
        }
        return SelfAttackReport(profile: profile, landlock: FileAccess.kernelVersion, lines: lines)
    }

    private func outcome(of attack: Attack, sealed: Bool) throws(SandboxError) -> AttackOutcome {
        var ground = try AttackGround(outside: files.ports)
        defer { ground.remove() }
        ground.victim = try Self.fork { Self.beVictim() }
        defer {
            var dumped: Int32 = 0
            kill(ground.victim, SIGKILL)
            _ = unsafe sallyport_end_of(ground.victim, &dumped)
        }
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw SandboxError("make a pipe", errno: errno) }
        // A program that was started must not hold it open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (reading, writing) = (ends[0], ends[1])
        defer { close(reading) }
        let aimed = ground
        let child: Int32
        do {
            defer { close(writing) }
            child = try Self.fork { self.attempt(attack, on: aimed, sealed: sealed, answer: writing) }
        }
        var result = 0
        let count = unsafe read(reading, &result, MemoryLayout<Int>.size)
        var dumped: Int32 = 0
        let signal = unsafe sallyport_end_of(child, &dumped)
        if signal == SIGSYS { return .killed }
        if attack.crashes { return signal == SIGSEGV || signal == SIGBUS ? .crashed(core: dumped != 0) : .ended(signal) }
        if count == MemoryLayout<Int>.size { return AttackOutcome(result: result) }
        // A program that was started ends without an answer.
        return signal == 0 && attack.aim == .program ? .succeeded : .ended(signal)
    }

    /// In the child: seals it, tries, answers, ends.
    private func attempt(_ attack: Attack, on ground: AttackGround, sealed: Bool, answer: Int32) {
        // Whatever waits for ever is ended.
        alarm(10)
        var start: [Int32] = [0, 0]
        do throws(any Error) {
            if sealed { try ProcessHardening.apply() }
            // Where a process has the folder it makes files in, every process has one here.
            let folder = unsafe open(files.usable.first ?? ground.folder, O_RDONLY | O_DIRECTORY)
            guard dup2(folder, SandboxProfile.folder) >= 0 else {
                throw SandboxError("have descriptor \(SandboxProfile.folder); raise `ulimit -n`", errno: errno)
            }
            let seal = sealed ? try Seal(profile, files: files, minimumLandlock: 0) : nil
            if attack.isThreaded {
                guard unsafe pipe(&start) == 0 else { return }
                let path = SystemCall.text("/bin/true")
                guard let execve = SystemCall.number("execve") else { return }
                _ = unsafe sallyport_thread_that_calls(
                    start[0], answer, execve, SystemCall.six([path, SystemCall.words([path, 0]), SystemCall.words([0])]))
            }
            try seal?.close()
        } catch {
            StandardError.line("self-attack: \(error)")
            return
        }
        if attack.isThreaded {
            _ = unsafe write(start[1], "x", 1)
            // The thread answers, or ends the process.
            sleep(9)
            return
        }
        var result = attack.attempt(ground)
        _ = unsafe write(answer, &result, MemoryLayout<Int>.size)
    }

    /// A process like the one that holds keys: hardened, waiting.
    private static func beVictim() {
        try? ProcessHardening.apply()
        while true { sleep(60) }
    }

    private static func fork(_ body: () -> Void) throws(SandboxError) -> Int32 {
        let parent = getpid()
        let child = sallyport_fork()
        guard child >= 0 else { throw SandboxError("fork", errno: -child) }
        if child == 0 {
            if sallyport_follow_parent(SIGKILL, parent) == 0 { body() }
            sallyport_exit_now(0)
        }
        return child
    }
}
