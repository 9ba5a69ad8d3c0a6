internal import Glibc
internal import ProtocolMessages

/// One connection to one host, kept warm, with its channels. Driven by the worker's loop; never blocks.
///
/// How channels and their preludes are had is in `Connection+Channels.swift`, what goes over one in `Connection+Exchange.swift`.
final class Connection {
    /// Commands at once, those included whose channel is still closing, and the spare channel: sshd's MaxSessions is 10.
    static let maximumCommands = 8
    /// Channels in all: two more, to end process groups while every other one is taken.
    static let maximumChannels = 10
    /// Leases that may wait for a channel.
    static let maximumWaiting = 256
    /// A refused channel is asked for again after the first figure, and the host is taken at its word after the second, in milliseconds:
    /// sshd gives a session back only when the shell of the last command has ended, a moment after its channel.
    static let refusal = (pause: 100, limit: 3_000)
    /// Starting a shell takes the host's processor: none is started for a command that may come while one that runs is younger than the
    /// first figure, nor before the second has passed since one ended, in milliseconds.
    static let sparePause = (begun: 50, ended: 5)
    /// Without a command for this long the connection is closed, in milliseconds.
    static let idleLimit = 600_000
    /// A channel may take this long to close after its command ended, in milliseconds; then the connection takes no more commands.
    static let drainLimit = 10_000
    /// A sign of life is asked for after this much silence, and must come within the second figure; milliseconds.
    static let keepAlive = (after: 30_000, within: 15_000)
    /// Times round before another connection has its turn, whatever this host still sends.
    static let maximumRounds = 4
    /// Bytes that may wait for the socket before more input for a command is added, to leave the small packets room.
    static let maximumUnsent = 128 * 1024

    let key: ConnectionKey
    unowned let outlet: any WorkerOutlet
    private let names: NameLookup
    var waiting: [WaitingLease] = []
    var tasks: [ChannelTask] = []
    var kills: [GroupKill] = []
    /// Channels whose prelude is started already, so that the next command waits for neither.
    var spares: [SpareChannel] = []
    /// A prelude ended before it was used: none is started any more before something waits for it.
    var isUnready = false
    /// Channels the host gave at most, once it has refused one.
    var channelLimit = Connection.maximumChannels
    /// Channels the host gave at once.
    var channelPeak = 1
    /// After a refusal: when to ask for a channel again, and since when the host has refused although none of ours is open.
    var refusal: (until: Int, since: Int)?
    /// A request for a channel is on its way; there is only ever one.
    var isOpening: Bool { openingSince != nil }
    /// When that was made.
    var openingSince: Int?
    /// It was not answered in time: what waited has learned so, and it is not asked again.
    var isOpeningOverdue = false
    var lastUse: Int
    private(set) var session: SSHSession?
    private var handshake: Handshake?
    /// The lease that the connection is made for, and that signs for it.
    private var cause: WaitingLease?
    /// Takes no new commands; closed when the last one is through.
    private(set) var isRetiring = false
    private(set) var isClosed = false
    private var isUnfinished = false
    private var lastAdvance = 0
    /// No command has run on it yet.
    var isFresh = true
    private var lastProgress: UInt64 = 0
    private var lastSign: Int
    private var isSignAsked = false

    init(_ key: ConnectionKey, outlet: any WorkerOutlet, names: NameLookup, now: Int) {
        self.key = key
        self.outlet = outlet
        self.names = names
        lastUse = now
        lastSign = now
    }

    var isBusy: Bool { !waiting.isEmpty || !tasks.isEmpty || !kills.isEmpty }

    /// Descriptor and events for poll(2).
    var poll: (descriptor: Int32, events: Int16)? {
        if let handshake { return handshake.poll }
        guard let session, !isClosed else { return nil }
        return (session.socket, session.events)
    }

    /// When it must be advanced at the latest.
    var deadline: Int? {
        if isClosed { return nil }
        if isUnfinished { return 0 }
        if let handshake { return handshake.nextLook }
        let sign = lastSign + Self.keepAlive.after + (isSignAsked ? Self.keepAlive.within : 0)
        return
            (tasks.compactMap(\.deadline) + spares.compactMap(\.deadline) + kills.map(\.deadline) + [sign]
            + (isBusy ? [] : [lastUse + Self.idleLimit])
            + (openingSince.map { isOpeningOverdue ? [] : [$0 + WaitingPrelude.limit] } ?? [])
            + (refusal.map { [$0.until] } ?? []) + (spares.isEmpty && spareFrom > lastAdvance ? [spareFrom] : [])).min()
    }

    /// Takes a lease; false when too many wait.
    func add(_ lease: WaitingLease, now: Int) -> Bool {
        guard waiting.count < Self.maximumWaiting else { return false }
        lastUse = now
        waiting.append(lease)
        if session != nil { outlet.stage(lease.lease.leaseID, .connected, 0) }
        return true
    }

    /// Ends a lease wherever it stands; does nothing when it is not here.
    func cancel(_ leaseID: UInt64, now: Int) {
        if let index = waiting.firstIndex(where: { $0.lease.leaseID == leaseID }) {
            let lease = waiting.remove(at: index)
            outlet.finished(.cancelledInTime(lease.lease))
            // Nobody signs any more for a connection that its lease has left: those who wait with it make one of their own.
            if session == nil, lease === cause {
                giveUp(
                    SSHFailure(.unreachable, "the connection to \(key.place) was given up twice, for leases that were cancelled"))
            }
            return
        }
        for task in tasks {
            guard case .command(let run, let lease) = task.work, run.lease.leaseID == leaseID, !task.isDraining else { continue }
            if case .announcing = task.step {
                // The executor knows that it may have started; it has not.
                outlet.finished(.cancelledInTime(lease.lease))
                takeBack(task)
            } else if run.stop == nil {
                run.end(.cancel)
                task.stopDeadline = now + Int(run.lease.graceMs) + LeaseRun.trailerDelay
            }
        }
    }

    func signed(_ signature: [UInt8]) { handshake?.sign(signature) }

    /// The executor refuses to sign; what waits beside the lease that asked may ask for itself, once.
    func refused(_ text: String) {
        guard !isClosed, session == nil else { return }
        giveUp(SSHFailure(.authentication, "the executor refuses to sign for \(key.user) at \(key.place): \(text)"))
    }

    /// Does all that can be done now, within a number of rounds.
    func advance(now: Int) {
        guard !isClosed else { return }
        isUnfinished = false
        lastAdvance = now
        do throws(SSHFailure) {
            try connect(now: now)
            guard let session else { return }
            guard session.flush() else { throw lost(session) }
            // A call for one channel may take another's packets off the socket: go round until nothing came and nothing moved.
            for _ in 0..<Self.maximumRounds {
                let before = session.received
                let moved = try round(session, now: now)
                if isClosed { return }
                isUnfinished = moved || session.received != before
                if !isUnfinished { break }
            }
            try checkLife(session, now: now)
        } catch {
            fail(error, now: now)
        }
    }

    private func connect(now: Int) throws(SSHFailure) {
        if session == nil, handshake == nil, let first = waiting.first {
            cause = first
            handshake = try Handshake(
                key, host: first.lease.host, timeout: Int(first.lease.connectTimeoutMs), now: now, names: names
            ) { [unowned self] blob in
                first.hasAsked = true
                outlet.askSignature(first.lease.leaseID, blob, for: self)
            }
        }
        guard let handshake, case .ready(let session) = try handshake.advance(now: now) else { return }
        self.handshake = nil
        self.session = session
        lastSign = now
        for lease in waiting { outlet.stage(lease.lease.leaseID, .connected, 0) }
    }

    /// One pass over everything; true when something moved.
    private func round(_ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        var moved = try advanceSpares(session, now: now)
        moved = startWaiting(now: now) || moved
        for task in tasks { moved = try advance(task, session, now: now) || moved }
        tasks.removeAll { if case .done = $0.step { true } else { false } }
        for kill in kills where now >= kill.deadline { conclude(kill, gone: false, now: now) }
        kills.removeAll { now >= $0.deadline }
        moved = try openChannel(session, now: now) || moved
        if !isBusy, isRetiring || now - lastUse >= Self.idleLimit || (isUnready && spares.isEmpty && !isOpening && refusal == nil)
        {
            close()
        }
        return moved
    }

    /// No new commands: those that wait go to another connection.
    func retire() {
        isRetiring = true
        for lease in waiting { outlet.again(lease) }
        waiting = []
    }

    private func checkLife(_ session: SSHSession, now: Int) throws(SSHFailure) {
        if session.progress != lastProgress {
            lastProgress = session.progress
            lastSign = now
            isSignAsked = false
        } else if now - lastSign >= Self.keepAlive.after + Self.keepAlive.within {
            throw SSHFailure(.unreachable, "host at \(key.place) has not answered for \((now - lastSign) / 1000) s")
        } else if now - lastSign >= Self.keepAlive.after, !isSignAsked {
            isSignAsked = true
            // What it sends is no sign of life.
            session.keepAlive()
            lastProgress = session.progress
        }
    }

    func lost(_ session: SSHSession) -> SSHFailure {
        SSHFailure(.unreachable, "the connection to \(key.place) was lost: \(session.errorText)")
    }

    /// The connection is not made, for a reason of the lease that it was made for: who waits beside it makes another one, once.
    private func giveUp(_ failure: SSHFailure) {
        let queued = waiting
        close()
        for lease in queued { repeatOnce(lease, failure) }
    }

    /// Ends the connection: what ran there is unknown, what waited has not started, or tries another connection once.
    private func fail(_ failure: SSHFailure, now: Int) {
        let (wasReady, running, queued, unsent) = (session != nil, tasks, waiting, kills)
        close()
        for kill in unsent { conclude(kill, gone: false, now: now) }
        for task in running where !task.isDraining {
            switch (task.work, task.step) {
            case (.nothing, _): break
            case (.kill(let kill), _): conclude(kill, gone: false, now: now)
            case (.command(_, let lease), .announcing): repeatOnce(lease, failure)
            case (.command(let run, _), _):
                run.lost(failure.message, withConnection: true)
                outlet.finished(run.finished(now: now, groupGone: false))
            }
        }
        for lease in queued {
            if wasReady {
                repeatOnce(lease, failure)
            } else {
                outlet.finished(.notStarted(lease.lease, failure.reason, failure.message))
            }
        }
    }

    private func repeatOnce(_ lease: WaitingLease, _ failure: SSHFailure) {
        guard !lease.isSecondTry, !lease.hasAsked else {
            return outlet.finished(.notStarted(lease.lease, failure.reason, failure.message))
        }
        lease.isSecondTry = true
        outlet.again(lease)
    }

    /// Ends the connection at once; the host sees the end of every channel's input.
    func close() {
        isClosed = true
        handshake = nil
        spares = []
        tasks = []
        waiting = []
        kills = []
        session = nil
    }
}
