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
    /// Connections to one sshd that are being made at once: it drops those beyond its MaxStartups, 10, and penalises who comes too often.
    static let maximumHandshakes = 4

    let key: ConnectionKey
    unowned let outlet: any WorkerOutlet
    private let names: NameLookup
    var waiting: [WaitingLease] = []
    var tasks: [ChannelTask] = []
    var kills: [GroupKill] = []
    /// Ways to other hosts through this one.
    var tunnels: [Tunnel] = []
    /// The one whose channel is asked for.
    var openingTunnel: Tunnel?
    /// When that was asked for.
    var openingTunnelSince: Int?
    /// The way it goes itself.
    private var tunnel: Tunnel?
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
    /// The lease that the connection is made for, and that signs for it; of a jump host, the way that it is made for.
    private var cause: (lease: WaitingLease, tunnel: Tunnel?)?
    private let keepAlive: (after: Int, within: Int)
    /// Takes no new commands; closed when the last one is through.
    private(set) var isRetiring = false
    private(set) var isClosed = false
    private var isUnfinished = false
    private var lastAdvance = 0
    /// It was given a command: a jump host's that is nothing else has no prelude.
    private(set) var servesCommands = false
    /// No command has run on it yet.
    var isFresh = true
    private var lastProgress: UInt64 = 0
    private var lastSign: Int
    private var isSignAsked = false

    init(
        _ key: ConnectionKey, outlet: any WorkerOutlet, names: NameLookup, now: Int,
        keepAlive: (after: Int, within: Int) = Connection.keepAlive
    ) {
        self.keepAlive = keepAlive
        self.key = key
        self.outlet = outlet
        self.names = names
        lastUse = now
        lastSign = now
    }

    var isBusy: Bool { !waiting.isEmpty || !tasks.isEmpty || !kills.isEmpty || !tunnels.isEmpty }
    /// It is being made.
    var isConnecting: Bool { handshake != nil }

    /// Descriptors and events for poll(2).
    var polls: [(descriptor: Int32, events: Int16)] {
        if let handshake { return handshake.poll.map { [$0] } ?? [] }
        guard let session, !isClosed else { return [] }
        return [(session.socket, session.events)] + tunnelPolls(session)
    }

    /// When it must be advanced at the latest.
    var deadline: Int? {
        if isClosed { return nil }
        if isUnfinished { return 0 }
        if let handshake { return handshake.nextLook }
        // Those before it are being connected.
        if session == nil { return nextCause.map(\.lease.connectDeadline) }
        let sign = lastSign + keepAlive.after + (isSignAsked ? keepAlive.within : 0)
        return
            (tasks.compactMap(\.deadline) + spares.compactMap(\.deadline) + kills.map(\.deadline) + [sign]
            + (isBusy ? [] : [lastUse + Self.idleLimit])
            + (openingSince.map { isOpeningOverdue ? [] : [$0 + WaitingPrelude.limit] } ?? [])
            + (openingTunnelSince.map { isOpeningOverdue ? [] : [$0 + Self.tunnelPatience] } ?? [])
            + (refusal.map { [$0.until] } ?? []) + (spares.isEmpty && spareFrom > lastAdvance ? [spareFrom] : [])).min()
    }

    /// Takes a lease; false when too many wait.
    func add(_ lease: WaitingLease, now: Int) -> Bool {
        guard waiting.count < Self.maximumWaiting else { return false }
        lastUse = now
        servesCommands = true
        lease.since = now
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
            if session == nil, lease === cause?.lease {
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

    /// For whom a connection is to be made.
    private var nextCause: (lease: WaitingLease, tunnel: Tunnel?)? {
        waiting.first.map { ($0, nil) } ?? tunnels.first { !$0.isAbandoned }.map { ($0.lease, $0) }
    }

    private func connect(now: Int) throws(SSHFailure) {
        guard session == nil else { return }
        if let tunnel = cause?.tunnel, tunnel.isAbandoned {
            return giveUp(
                SSHFailure(.unreachable, "the connection to \(key.place) was given up twice, for leases that were cancelled"))
        }
        tunnels.removeAll(where: \.isAbandoned)
        if handshake == nil, let next = nextCause {
            guard outlet.mayConnect(self) else {
                guard now >= next.lease.connectDeadline else { return }
                throw SSHFailure(
                    .busy, "\(Self.maximumHandshakes) connections to \(key.place) are being made and none was through in time")
            }
            try begin(next, now: now)
        }
        // Whoever it was for has gone before it was begun.
        guard handshake != nil else { return close() }
        guard let handshake, case .ready(let session) = try handshake.advance(now: now) else { return }
        self.handshake = nil
        self.session = session
        lastSign = now
        outlet.wake()
        for lease in waiting { outlet.stage(lease.lease.leaseID, .connected, 0) }
    }

    private func begin(_ next: (lease: WaitingLease, tunnel: Tunnel?), now: Int) throws(SSHFailure) {
        cause = next
        let lease = next.lease.lease
        let hop = next.tunnel?.hop ?? lease.jumps.count
        let host = next.tunnel?.jump ?? lease.host
        let grant = next.tunnel == nil ? lease.leaseID : lease.jumps[hop].grantID
        if hop > 0 {
            tunnel = Tunnel(to: key, host: host, for: next.lease, hop: hop - 1)
        } else if outlet.namesAreStale, NameLookup.numeric(key.address) == nil {
            throw SSHFailure(.busy, "host \(host) (\(key.place)): the files of the resolver were replaced", isLookup: true)
        }
        handshake = try Handshake(
            key, host: host, deadline: next.lease.connectDeadline, now: now, names: names, tunnel: tunnel
        ) { [unowned self] blob in
            if let tunnel = next.tunnel { tunnel.hasAsked = true } else { next.lease.hasAsked = true }
            outlet.askSignature(grant, blob, for: self)
        }
        if let tunnel { outlet.open(tunnel) }
    }

    /// One pass over everything; true when something moved.
    private func round(_ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        var moved = try advanceSpares(session, now: now)
        moved = startWaiting(now: now) || moved
        for task in tasks { moved = try advance(task, session, now: now) || moved }
        tasks.removeAll { if case .done = $0.step { true } else { false } }
        for kill in kills where now >= kill.deadline { conclude(kill, gone: false, now: now) }
        kills.removeAll { now >= $0.deadline }
        moved = try advanceTunnels(session, now: now) || moved
        moved = try openTunnel(session, now: now) || moved
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
        } else if now - lastSign >= keepAlive.after + keepAlive.within {
            throw SSHFailure(.unreachable, "host at \(key.place) has not answered for \((now - lastSign) / 1000) s")
        } else if now - lastSign >= keepAlive.after, !isSignAsked {
            isSignAsked = true
            // What it sends is no sign of life.
            session.keepAlive()
            lastProgress = session.progress
        }
    }

    func lost(_ session: SSHSession) -> SSHFailure {
        SSHFailure(.unreachable, "the connection to \(key.place) was lost: \(tunnel?.failure?.message ?? session.errorText)")
    }

    /// The connection is not made, for a reason of the lease that it was made for: who waits beside it makes another one, once.
    private func giveUp(_ failure: SSHFailure) {
        let (queued, ways) = (waiting, tunnels)
        close()
        for lease in queued { repeatOnce(lease, failure) }
        for way in ways { repeatOnce(way, failure) }
    }

    /// Ends the connection: what ran there is unknown, what waited has not started, or tries another connection once.
    private func fail(_ failure: SSHFailure, now: Int) {
        let (wasReady, running, queued, unsent, ways) = (session != nil, tasks, waiting, kills, tunnels)
        let isStale = !wasReady && failure.isLookup && outlet.namesAreStale
        close()
        for way in ways where !way.isAbandoned {
            if wasReady { repeatOnce(way, failure) } else { way.end(failure) }
        }
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
                outlet.finished(isStale ? .givenBack(lease.lease) : .notStarted(lease.lease, failure))
            }
        }
    }

    private func repeatOnce(_ lease: WaitingLease, _ failure: SSHFailure) {
        guard !lease.isSecondTry, !lease.hasAsked else {
            return outlet.finished(.notStarted(lease.lease, failure))
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
        tunnels = []
        (openingTunnel, openingTunnelSince) = (nil, nil)
        session = nil
        outlet.wake()
    }
}
