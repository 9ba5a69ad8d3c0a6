import Foundation
import Glibc
import TestSupport
import Testing

/// What goes wrong in a soak.
enum SoakFault: String, CaseIterable {
    case killIngress = "kill ingress"
    case killExecutor = "kill executor"
    case killSupervisor = "kill supervisor"
    case killWorker = "kill worker"
    case killSession = "kill session"
    case freezeIngress = "freeze ingress"
    case freezeExecutor = "freeze executor"
    case freezeSupervisor = "freeze supervisor"
    case freezeWorker = "freeze worker"
    case freezeSession = "freeze session"
    case removeSocket = "remove socket"
    case stopHost = "stop sshd"
    case otherHostKey = "other host key"
    case jumpIngress = "clock jump ingress"
    case jumpExecutor = "clock jump executor"
    case resetTCP = "reset TCP"
    case stallTCP = "stall TCP"
    case halfCloseTCP = "half-close TCP"
    case reload
    case fillJournal = "fill the journal's disk"
    case fillAudit = "fill the audit log's disk"
    case fillSpool = "fill the spool's disk"

    /// Those that this machine allows.
    static let possible = allCases.filter { SmallDisks.arePossible || ![.fillJournal, .fillAudit, .fillSpool].contains($0) }
}

/// What faults take hold of beside the processes of a bed.
struct SoakHandles {
    let ingressClock: MovableClock
    let executorClock: MovableClock
    /// Between the workers and sshd.
    let relay: DroppingRelay
    /// The second host; nothing is brought to it but what goes through the workers.
    let second: SSHServer
    /// Journal, audit log and spool each have one; nil where nobody may mount.
    let disks: SmallDisks?
    let journal: String
    let audit: String
    let spool: String

    /// Puts all of it into the settings of a bed that is not started yet.
    ///
    /// - Parameter mebibytes: of each disk.
    init(_ bed: TestBed, mebibytes: Int) throws {
        journal = bed.box.appending(path: "state").path
        audit = bed.auditFolder
        spool = bed.spoolFolder.path
        let log = bed.folder.appending(path: "disks.log")
        disks = SmallDisks.arePossible ? try SmallDisks(at: [journal, audit, spool], mebibytes: mebibytes, log: log) : nil
        ingressClock = try MovableClock(in: bed.folder.appending(path: "clock-ingress"))
        executorClock = try MovableClock(in: bed.folder.appending(path: "clock-executor"))
        try bed.use(
            executor: executorClock.environment, ingress: ingressClock.environment, through: disks?.entrance ?? [])
        relay = try DroppingRelay(to: bed.server.port)
        for (file, mark) in [("executor.yaml", "port: "), ("known_hosts", "]:")] {
            let url = bed.box.appending(path: file)
            let text = try String(contentsOf: url, encoding: .utf8)
            let moved = text.replacing("\(mark)\(bed.server.port)", with: "\(mark)\(relay.port)")
            guard moved != text else { throw TestBedError("\(file) does not name sshd's port: \(text)") }
            try moved.write(to: url, atomically: true, encoding: .utf8)
        }
        let key = try String(contentsOf: bed.box.appending(path: "secrets/deploy.key.pub"), encoding: .utf8)
        second = try SSHServer(folder: bed.folder.appending(path: "sshd-2"), authorizedKeys: [key])
        try second.present(as: "second", key: second.hostKeyFile.path)
        try second.start()
        try bed.add(hosts: [BedHost("web-2", second)])
    }

    /// Files of the spool with that ending.
    func spooled(_ ending: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: disks?.outside(spool) ?? spool).filter { $0.hasSuffix(".\(ending)") }
    }

    func stop() {
        relay.stop()
        second.stop(SIGKILL)
    }
}

/// Brings faults over a bed, one after the other, and takes each back.
struct SoakFaults {
    private let bed: TestBed
    private let handles: SoakHandles
    private let record: SoakRecord
    private var numbers: SeededNumbers
    /// Faults of this round that are still to come: each kind comes once a round, in random order.
    private var deck: [SoakFault] = []
    /// Seconds that a process is frozen.
    private let freeze: ClosedRange<Double>
    private(set) var counts: [SoakFault: Int] = [:]
    /// Processes that ended and were not told to.
    private(set) var deaths: [String] = []
    /// How often the job's socket was there again, after it was removed, without a restart.
    private(set) var socketsRecovered = 0
    /// How often an executor did not start because a disk was full, and was started again when there was room.
    private(set) var startsRefused = 0
    private(set) var outages = SoakChecker.SoakOutages()

    init(_ bed: TestBed, _ handles: SoakHandles, _ record: SoakRecord, seed: UInt64, freeze: ClosedRange<Double>) {
        self.bed = bed
        self.handles = handles
        self.record = record
        self.freeze = freeze
        numbers = SeededNumbers(seed)
    }

    /// Every kind has come.
    var isComplete: Bool { SoakFault.possible.allSatisfy { counts[$0, default: 0] > 0 } }

    /// The next fault; when it returns, what was stopped is started again, though it may not be ready.
    mutating func next() throws {
        if deck.isEmpty { deck = SoakFault.possible.shuffled(using: &numbers) }
        let fault = deck.removeLast()
        let seconds = Double.random(in: freeze, using: &numbers)
        let pause = UInt32.random(in: 0...300_000, using: &numbers)
        let hard = Bool.random(using: &numbers)
        let jump = Int.random(in: 60...3600, using: &numbers) * (hard ? -1 : 1)
        // What it is for may be on its way, after the fault before.
        let deadline = Date().addingTimeInterval(30)
        var done = false
        while !done, Date() < deadline {
            done = try bring(fault, seconds: seconds, pause: pause, hard: hard, jump: jump)
            if !done { usleep(50_000) }
        }
        if done { counts[fault, default: 0] += 1 }
        try lookForDeaths(after: fault)
    }

    /// False when there was nothing to bring it to.
    private mutating func bring(_ fault: SoakFault, seconds: Double, pause: UInt32, hard: Bool, jump: Int) throws -> Bool {
        switch fault {
        case .killIngress:
            bed.ingress.stop(SIGKILL)
            usleep(pause)
            try bed.startIngress()
        case .killSupervisor:
            outages.ends.append(SoakClock.now)
            bed.executor.stop(SIGKILL)
            usleep(pause)
            try bed.executor.start()
        case .killExecutor: return killExecutor()
        case .killWorker: return send(SIGKILL, to: any(bed.processes("sallyport-ssh-worker")))
        case .killSession: return send(SIGKILL, to: any(bed.server.sessions))
        case .freezeIngress: return freeze(bed.ingress.pid, seconds)
        case .freezeSupervisor: return freeze(bed.executor.pid, seconds)
        case .freezeExecutor: return freeze(bed.process("sallyport-executor run"), seconds)
        case .freezeWorker: return freeze(any(bed.processes("sallyport-ssh-worker")), seconds)
        case .freezeSession: return freeze(any(bed.server.sessions), seconds)
        case .removeSocket:
            let path = bed.box.appending(path: "run/jobs.sock").path
            guard unlink(path) == 0 else { return false }
            // The connection that is there goes with this, and the next needs the socket.
            if hard { _ = killExecutor() }
            usleep(1_000_000)
            // A sealed ingress cannot bind(2), so a restart is what brings it back.
            if FileManager.default.fileExists(atPath: path) {
                socketsRecovered += 1
            } else {
                bed.ingress.stop(SIGTERM, within: 20)
                try bed.startIngress()
            }
        case .stopHost:
            try stopHost(SIGTERM, sessionsToo: hard)
            usleep(pause + 300_000)
            try bed.server.start()
        case .otherHostKey:
            try stopHost(SIGKILL, sessionsToo: true)
            try bed.server.present(as: "other")
            try bed.server.start()
            usleep(2_000_000)
            try stopHost(SIGKILL, sessionsToo: true)
            try bed.server.present(as: "right")
            try bed.server.start()
        case .jumpIngress: return try move(handles.ingressClock, of: bed.ingress.pid, by: jump, seconds)
        case .jumpExecutor: return try move(handles.executorClock, of: bed.process("sallyport-executor run"), by: jump, seconds)
        case .resetTCP: return handles.relay.reset()
        case .stallTCP: return handles.relay.stall(seconds * 3)
        case .halfCloseTCP: return handles.relay.halfClose()
        case .reload:
            // One that has not come as far as its signal handlers would end.
            guard try bed.command(["status"]).code == 0 else { return false }
            return send(SIGHUP, to: bed.executor.pid) && send(SIGHUP, to: bed.ingress.pid)
        case .fillJournal:
            let begun = SoakClock.now
            defer { outages.full.append(begun...SoakClock.now) }
            return try fill(handles.journal, seconds, hard) { $1.count("the journal cannot be written") }
        case .fillAudit:
            return try fill(handles.audit, seconds, hard) { bed, _ in
                bed.executor.text.components(separatedBy: "audit log cannot be written").count
            }
        case .fillSpool: return try fillSpool(seconds, hard)
        }
        return true
    }

    /// Until it was seen that nothing could be written, and for so long at least.
    ///
    /// - Parameters:
    ///   - hard: the executor is killed meanwhile, and may not start before there is room again.
    ///   - failures: of which there must be more than before.
    private mutating func fill(_ folder: String, _ seconds: Double, _ hard: Bool, failures: (TestBed, SoakRecord) -> Int) throws
        -> Bool
    {
        guard let disks = handles.disks, bed.process("sallyport-executor run") != nil else { return false }
        let (before, begun) = (failures(bed, record), SoakClock.now)
        var (isSeen, isKilled) = (false, !hard)
        var (end, look) = (begun + 20, begun)
        try disks.fill(folder) {
            if !isSeen, SoakClock.now < look { return true }
            look = SoakClock.now + 0.1
            if !isSeen, failures(bed, record) > before {
                isSeen = true
                end = max(SoakClock.now, begun + seconds) + (hard ? seconds : 0)
            }
            if isSeen, !isKilled { isKilled = killExecutor() }
            return SoakClock.now < end
        }
        try startAgain()
        return isSeen
    }

    /// An executor that does not start on a full disk says so, and its supervisor ends with it.
    private mutating func startAgain() throws {
        let isBack = try eventually(within: 60) {
            guard bed.executor.isRunning else { return true }
            return try bed.command(["status"]).code == 0
        }
        guard isBack, !bed.executor.isRunning else { return }
        let said = bed.executor.text.split(separator: "\n").last { $0.contains("cannot start") } ?? ""
        let code = bed.executor.stop()
        if code == 1, ["make room on its disk", "No space left on device"].contains(where: said.contains) {
            startsRefused += 1
        } else {
            deaths.append("the supervisor ended with code \(code) on a full disk: \(said)")
        }
        outages.ends.append(SoakClock.now)
        try bed.executor.start()
    }

    /// While there is no executor, so that the spool is needed.
    ///
    /// - Parameter hard: the ingress starts on the full disk.
    private mutating func fillSpool(_ seconds: Double, _ hard: Bool) throws -> Bool {
        guard let disks = handles.disks, send(SIGSTOP, to: bed.executor.pid) else { return false }
        defer { _ = send(SIGCONT, to: bed.executor.pid) }
        guard killExecutor() else { return false }
        let before = record.count("the spool cannot be written")
        var (isSeen, end) = (false, SoakClock.now + 20)
        var restart: (any Error)?
        try disks.fill(handles.spool) {
            if !isSeen, record.count("the spool cannot be written") > before {
                isSeen = true
                end = SoakClock.now + seconds
                if hard {
                    bed.ingress.stop(SIGKILL)
                    do { try bed.startIngress() } catch { restart = error }
                }
            }
            return SoakClock.now < end
        }
        if let restart { deaths.append("the ingress did not start on a full disk: \(restart)") }
        return isSeen
    }

    private mutating func killExecutor() -> Bool {
        outages.ends.append(SoakClock.now)
        return send(SIGKILL, to: bed.process("sallyport-executor run"))
    }

    private func stopHost(_ signal: Int32, sessionsToo: Bool) throws {
        let sessions = bed.server.sessions
        bed.server.stop(signal)
        if sessionsToo { for pid in sessions { kill(pid, SIGKILL) } }
    }

    private mutating func any(_ pids: [Int32]) -> Int32? { pids.randomElement(using: &numbers) }

    private func send(_ signal: Int32, to pid: Int32?) -> Bool { pid.map { kill($0, signal) == 0 } ?? false }

    private func freeze(_ pid: Int32?, _ seconds: Double) -> Bool {
        guard send(SIGSTOP, to: pid) else { return false }
        usleep(UInt32(seconds * 1_000_000))
        _ = send(SIGCONT, to: pid)
        return true
    }

    /// A jump, and later one the other way: what is signed by one gate meanwhile is of the past or the future for the other.
    private func move(_ clock: MovableClock, of pid: Int32?, by jump: Int, _ seconds: Double) throws -> Bool {
        guard let pid, clock.isLoaded(pid) else { return false }
        try clock.set(jump)
        usleep(UInt32(seconds * 1_000_000))
        try clock.set(0)
        return true
    }

    /// Starts again what has ended by itself, and keeps that it did.
    private mutating func lookForDeaths(after fault: SoakFault) throws {
        for (name, daemon) in [("ingress", bed.ingress), ("supervisor", bed.executor)] where !daemon.isRunning {
            deaths.append("the \(name) ended with code \(daemon.stop()) after: \(fault.rawValue)")
            try daemon.start()
        }
    }
}

extension SSHServer {
    /// From the next start on: as the host that is pinned (`right`), or with another key. Commands have the name in `SOAK_HOST`, so that
    /// they write down which host ran them.
    func present(as name: String) throws {
        let key = folder.appending(path: "host_\(name)").path
        if !FileManager.default.fileExists(atPath: key) {
            if name == "right" {
                try FileManager.default.copyItem(atPath: hostKeyFile.path, toPath: key)
            } else {
                try Command.run("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key])
            }
        }
        try present(as: name, key: key)
    }

    /// The same with the key of that file.
    func present(as name: String, key: String) throws {
        let file = folder.appending(path: "sshd_config")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
            if line.hasPrefix("HostKey ") { return "HostKey \(key)" }
            return line.hasPrefix("SetEnv ") ? "SetEnv SHLVL=2 SOAK_HOST=\(name)" : String(line)
        }
        try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
    }
}
