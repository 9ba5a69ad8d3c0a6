internal import CSSH2
internal import Glibc
internal import ProtocolMessages

/// One connection to one host, kept warm, with its channels. Driven by the worker's loop; never blocks.
final class Connection {
    /// Commands at once, those included whose channel is still closing: sshd's MaxSessions is 10, two are for ending and for the spare.
    static let maximumCommands = 8
    /// Leases that may wait for a channel.
    static let maximumWaiting = 256
    /// Without a command for this long the connection is closed, in milliseconds.
    static let idleLimit = 600_000
    /// A channel may take this long to close after its command ended; then the connection takes no more commands.
    static let drainLimit = 10_000
    /// A sign of life is asked for after this much silence, and must come within the second figure.
    static let keepAlive = (after: 30_000, within: 15_000)

    let key: ConnectionKey
    private unowned let outlet: any WorkerOutlet
    private var handshake: Handshake?
    private(set) var session: SSHSession?
    private var waiting: [WaitingLease] = []
    private var tasks: [ChannelTask] = []
    private var kills: [GroupKill] = []
    private var spare: SSHChannel?
    private var isOpening = false
    private var mayOpenSpare = true
    /// Whose packet is half written.
    private var writer: AnyObject?
    /// Takes no new commands; closed when the last one is through.
    private(set) var isRetiring = false
    private(set) var isClosed = false
    private var lastUse: Int
    private var lastReceived: UInt64 = 0
    private var lastSign: Int
    private var isSignAsked = false
    private var wasReady = false
    private var cause: UInt64?

    init(_ key: ConnectionKey, outlet: any WorkerOutlet, now: Int) {
        self.key = key
        self.outlet = outlet
        lastUse = now
        lastSign = now
    }

    var isBusy: Bool { !waiting.isEmpty || !tasks.isEmpty || !kills.isEmpty }

    /// Descriptor and events for poll(2).
    var poll: (descriptor: Int32, events: Int16)? {
        if let handshake { return handshake.poll }
        guard let session, !isClosed else { return nil }
        return (session.socket, writer == nil ? Int16(POLLIN) : session.directions)
    }

    /// When it must be advanced at the latest.
    var deadline: Int? {
        if isClosed { return nil }
        if let handshake { return handshake.deadline }
        let times = tasks.compactMap(\.deadline) + [isSignAsked ? lastSign + Self.keepAlive.after + Self.keepAlive.within : lastSign + Self.keepAlive.after]
        return (times + (isBusy ? [] : [lastUse + Self.idleLimit])).min()
    }

    /// Takes a lease; false when too many wait.
    func add(_ lease: WaitingLease, now: Int) -> Bool {
        guard waiting.count < Self.maximumWaiting else { return false }
        lastUse = now
        waiting.append(lease)
        return true
    }

    func cancel(_ leaseID: UInt64, now: Int) {
        if let index = waiting.firstIndex(where: { $0.lease.leaseID == leaseID }) {
            let lease = waiting.remove(at: index).lease
            return outlet.finished(.notStarted(lease, .cancelled, "cancelled before the command was sent to \(lease.host)"))
        }
        for task in tasks {
            if case .command(let run) = task.work, run.lease.leaseID == leaseID { stop(task, run, .cancel, now: now) }
        }
    }

    func signed(_ signature: [UInt8]) { handshake?.sign(signature) }

    /// The executor refuses to sign.
    func refused(_ text: String) { fail(SSHFailure(.authentication, "the executor refuses to sign for \(key.place): \(text)")) }

    /// Does all that can be done now.
    func advance(now: Int) {
        guard !isClosed else { return }
        do throws(SSHFailure) {
            try connect(now: now)
            guard let session else { return }
            // A call for one channel may take another's packets off the socket: go round until nothing came and nothing moved.
            var before: UInt64
            repeat {
                before = session.received
            } while try round(session, now: now) || session.received != before
            try checkLife(session, now: now)
        } catch {
            fail(error)
        }
    }

    /// This lease is the reason why the connection is made: it signs for it.
    func isOpened(for leaseID: UInt64) -> Bool { cause == leaseID }

    private func connect(now: Int) throws(SSHFailure) {
        if session == nil, handshake == nil, let first = waiting.first?.lease {
            cause = first.leaseID
            handshake = try Handshake(key, host: first.host, timeout: Int(first.connectTimeoutMs), now: now) { [outlet] blob in
                outlet.askSignature(first.leaseID, blob)
            }
        }
        guard let handshake, case .ready(let session) = try handshake.advance(now: now) else { return }
        self.handshake = nil
        self.session = session
        wasReady = true
        lastSign = now
    }

    /// One pass over everything; true when something moved.
    private func round(_ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        var moved = try openChannel(session, now: now)
        moved = try startWaiting(now: now) || moved
        for task in tasks { moved = try advance(task, now: now) || moved }
        if let spare, tasks.isEmpty, case .failed(let code) = attempt(self, { spare.read(stderr: false) }) { throw lost(code) }
        tasks.removeAll { if case .done = $0.step { true } else { false } }
        if isRetiring || (!isBusy && now - lastUse >= Self.idleLimit) {
            isRetiring = true
            if !isBusy { close() }
        }
        return moved && !isClosed
    }

    private func openChannel(_ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        guard spare == nil, !isRetiring, mayOpenSpare || !waiting.isEmpty || !kills.isEmpty else { return false }
        switch attempt(self, { session.openChannel() }) {
        case .again: return false
        case .done(let channel):
            spare = channel
            return true
        case .failed(let code):
            guard code == LIBSSH2_ERROR_CHANNEL_FAILURE else { throw lost(code) }
            // The host has no more sessions to give on this connection: wait for one of ours, or say so.
            mayOpenSpare = false
            if tasks.isEmpty, let lease = waiting.first?.lease {
                waiting.removeFirst()
                outlet.finished(.notStarted(lease, .busy, "host \(lease.host) refuses another session: \(session.errorText)"))
            }
            return false
        }
    }

    private func startWaiting(now: Int) throws(SSHFailure) -> Bool {
        guard let channel = spare else { return false }
        if let kill = kills.first {
            kills.removeFirst()
            spare = nil
            tasks.append(ChannelTask(.kill(kill), on: channel, step: .executing))
            return true
        }
        let commands = tasks.filter { if case .command = $0.work { true } else { false } }.count
        guard !waiting.isEmpty, commands < Self.maximumCommands else { return false }
        let next = waiting.removeFirst()
        let run = LeaseRun(next.lease, body: next.body, now: now)
        guard run.commandLine != nil else {
            outlet.finished(.notStarted(next.lease, .policy, "an argument or variable for \(next.lease.host) has a NUL byte"))
            return true
        }
        spare = nil
        mayOpenSpare = true
        run.onOutput = { [outlet] stream, bytes in outlet.output(next.lease.leaseID, stream, bytes) }
        run.onStart = { [outlet] group in outlet.stage(next.lease.leaseID, .started, group) }
        outlet.stage(next.lease.leaseID, .starting, 0)
        tasks.append(ChannelTask(.command(run), on: channel, step: .announcing))
        return true
    }

    private func checkLife(_ session: SSHSession, now: Int) throws(SSHFailure) {
        if session.received != lastReceived {
            lastReceived = session.received
            lastSign = now
            isSignAsked = false
        } else if now - lastSign >= Self.keepAlive.after + Self.keepAlive.within {
            throw SSHFailure(.unreachable, "host at \(key.place) has not answered for \((now - lastSign) / 1000) s")
        } else if now - lastSign >= Self.keepAlive.after, !isSignAsked, writer == nil {
            isSignAsked = true
            session.keepAlive()
        }
    }

    /// Makes a libssh2 call unless another one's packet is half written; that one must be finished first.
    private func attempt<T>(_ owner: AnyObject, _ call: () -> Progress<T>) -> Progress<T> {
        if let writer, writer !== owner { return .again }
        let result = call()
        if case .again = result, session?.isWriting == true { writer = owner } else { writer = nil }
        return result
    }

    private func lost(_ code: Int32) -> SSHFailure {
        SSHFailure(.unreachable, "the connection to \(key.place) was lost: \(session?.errorText ?? "libssh2 error \(code)")")
    }

    /// Ends the connection: what ran there is unknown, what waited has not started, or tries another connection once.
    private func fail(_ failure: SSHFailure) {
        let now = Monotonic.now()
        let (running, queued, unsent) = (tasks, waiting, kills)
        close()
        for kill in unsent { conclude(kill, gone: false, now: now) }
        for task in running {
            if case .kill(let kill) = task.work, !task.isDraining { conclude(kill, gone: false, now: now) }
            guard case .command(let run) = task.work else { continue }
            switch task.step {
            case .announcing: outlet.finished(.notStarted(run.lease, failure.reason, failure.message))
            case .executing, .exchanging:
                run.lost()
                outlet.finished(run.finished(now: now, groupGone: false, lostBecause: failure.message))
            case .draining, .done: break
            }
        }
        for lease in queued {
            if wasReady, !lease.isSecondTry {
                lease.isSecondTry = true
                outlet.again(lease)
            } else {
                outlet.finished(.notStarted(lease.lease, failure.reason, failure.message))
            }
        }
    }

    /// Ends the connection at once; the host sees the end of every channel's input.
    func close() {
        isClosed = true
        handshake = nil
        spare = nil
        tasks = []
        waiting = []
        kills = []
        session = nil
        writer = nil
    }
}

extension Connection {
    private func advance(_ task: ChannelTask, now: Int) throws(SSHFailure) -> Bool {
        switch task.step {
        case .announcing:
            guard outlet.isFlushed else { return false }
            task.step = .executing
            return true
        case .executing: return try execute(task, now: now)
        case .exchanging: return try exchange(task, now: now)
        case .draining(let until): return try drain(task, until: until, now: now)
        case .done: return false
        }
    }

    private func execute(_ task: ChannelTask, now: Int) throws(SSHFailure) -> Bool {
        let line: String
        switch task.work {
        case .command(let run): line = run.commandLine ?? ""
        case .kill(let kill): line = kill.commandLine
        }
        switch attempt(task, { task.channel.execute(line) }) {
        case .again: return try overdue(task, now: now)
        case .done:
            if case .command(let run) = task.work { run.executed() }
            task.step = .exchanging
            return true
        case .failed(let code):
            guard code == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED || code == LIBSSH2_ERROR_CHANNEL_FAILURE else { throw lost(code) }
            switch task.work {
            case .command(let run):
                outlet.finished(.notStarted(run.lease, .hostUnsuitable, "host \(run.lease.host) refuses to run commands for user \(key.user)"))
            case .kill(let kill): conclude(kill, gone: false, now: now)
            }
            task.step = .draining(until: now + Self.drainLimit)
            return true
        }
    }

    private func exchange(_ task: ChannelTask, now: Int) throws(SSHFailure) -> Bool {
        switch task.work {
        case .kill(let kill):
            var moved = try write(task, kill.unsent) { kill.wrote($0) }
            switch attempt(task, { task.channel.read(stderr: false) }) {
            case .again: break
            case .failed(let code): throw lost(code)
            case .done(let bytes):
                moved = moved || !bytes.isEmpty
                if let gone = kill.received(bytes) ?? (task.channel.isAtEnd || now >= kill.deadline ? false : nil) {
                    conclude(kill, gone: gone, now: now)
                    task.step = .draining(until: now + Self.drainLimit)
                    return true
                }
            }
            return try overdue(task, now: now) || moved
        case .command(let run):
            var moved = try write(task, run.unsent) { run.wrote($0) }
            if run.stop != nil, !task.isInputEnded, case .done = attempt(task, { task.channel.sendEOF() }) { task.isInputEnded = true }
            for stderr in [false, true] where run.phase != .ended {
                switch attempt(task, { task.channel.read(stderr: stderr) }) {
                case .again: break
                case .failed(let code): throw lost(code)
                case .done(let bytes):
                    guard !bytes.isEmpty else { break }
                    run.received(bytes, stderr: stderr, now: now)
                    moved = true
                }
            }
            // The channel is over and the trailer is not there: it will not come.
            if run.phase != .ended, task.channel.isAtEnd { run.lost() }
            if run.phase == .ended, !task.awaitsKill {
                settle(task, run, now: now)
                return true
            }
            return try overdue(task, now: now) || moved
        }
    }

    private func write(_ task: ChannelTask, _ bytes: ArraySlice<UInt8>, wrote: (Int) -> Void) throws(SSHFailure) -> Bool {
        guard !bytes.isEmpty, !task.isInputEnded else { return false }
        // The same call with the same bytes after "again": what is unsent has not changed since.
        switch attempt(task, { task.channel.write(bytes.prefix(32 * 1024)) }) {
        case .again: return false
        case .done(let count):
            wrote(count)
            return count > 0
        case .failed(let code):
            // The command may be through with its input before all of it was sent.
            guard code == LIBSSH2_ERROR_CHANNEL_CLOSED || code == LIBSSH2_ERROR_CHANNEL_EOF_SENT else { throw lost(code) }
            task.isInputEnded = true
            return true
        }
    }

    /// Acts on a deadline that is over; true when it did.
    private func overdue(_ task: ChannelTask, now: Int) throws(SSHFailure) -> Bool {
        guard let deadline = task.deadline, now >= deadline else { return false }
        switch task.work {
        case .kill(let kill):
            conclude(kill, gone: false, now: now)
            task.step = .draining(until: now + Self.drainLimit)
        case .command(let run):
            if task.stopDeadline != nil || run.startedAt == nil {
                run.lost()
                settle(task, run, now: now)
            } else {
                stop(task, run, .timeout, now: now)
            }
        }
        return true
    }

    private func stop(_ task: ChannelTask, _ run: LeaseRun, _ why: LeaseRun.Stop, now: Int) {
        guard run.stop == nil, !task.awaitsKill else { return }
        run.end(why)
        task.stopDeadline = now + Int(run.lease.graceMs) + LeaseRun.trailerDelay
    }

    /// The run has ended or is given up: what was stopped is looked for on the host before the outcome is told.
    private func settle(_ task: ChannelTask, _ run: LeaseRun, now: Int) {
        let mustLook = run.stop != nil || run.hostTimedOut(now: now)
        if mustLook, let group = run.processGroup {
            task.awaitsKill = true
            task.step = .draining(until: now + GroupKill.limit + Self.drainLimit)
            kills.append(GroupKill(run, processGroup: group, now: now))
            return
        }
        tell(run, task, groupGone: false, now: now)
        task.step = .draining(until: now + Self.drainLimit)
    }

    private func conclude(_ kill: GroupKill, gone: Bool, now: Int) {
        outlet.finished(kill.run.finished(now: now, groupGone: gone, lostBecause: nil))
        lastUse = now
    }

    private func tell(_ run: LeaseRun, _ task: ChannelTask, groupGone: Bool, now: Int) {
        let cause = run.startedAt == nil ? "the host did not say that the command began" : nil
        outlet.finished(run.finished(now: now, groupGone: groupGone, lostBecause: cause))
        lastUse = now
    }

    /// Closes a channel whose outcome is told. One that does not close holds a session of the host: the connection is then given up.
    private func drain(_ task: ChannelTask, until: Int, now: Int) throws(SSHFailure) -> Bool {
        switch attempt(task, { task.channel.close() }) {
        case .again:
            // What the host still sends must be read, or the close never comes.
            for stderr in [false, true] {
                if case .failed(let code) = attempt(task, { task.channel.read(stderr: stderr) }), code != LIBSSH2_ERROR_CHANNEL_CLOSED {
                    throw lost(code)
                }
            }
            guard now >= until else { return false }
            isRetiring = true
            task.step = .done
            return true
        case .done, .failed:
            if case .again = attempt(task, { task.channel.free() }) { return false }
            mayOpenSpare = true
            task.step = .done
            return true
        }
    }
}
