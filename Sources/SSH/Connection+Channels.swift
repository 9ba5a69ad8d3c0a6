internal import CSSH2
internal import ProtocolMessages

extension Connection {
    /// Asks for a channel where one is wanted; true when there is a new one.
    ///
    /// libssh2 keeps the state of a request in the session: one request at a time, and once made it is repeated until it is answered.
    func openChannel(_ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        if let refusal, now >= refusal.until, !wantsChannel(now) { self.refusal = nil }
        guard openingTunnel == nil, isOpening || (wantsChannel(now) && now >= refusal?.until ?? 0) else { return false }
        switch session.openChannel() {
        case .again:
            let since = openingSince ?? now
            openingSince = since
            if !isOpeningOverdue, now - since >= WaitingPrelude.limit { giveUpOpening(now: now) }
            return false
        case .done(let channel):
            openingSince = nil
            refusal = nil
            spares.append(SpareChannel(channel, now: now))
            channelPeak = max(channelPeak, tasks.count + spares.count)
            return true
        case .failed(let code):
            openingSince = nil
            guard code == LIBSSH2_ERROR_CHANNEL_FAILURE else { throw lost(session) }
            refused(session, now: now)
            return false
        }
    }

    /// No other channel can be asked for before this one is answered: the connection is good for what runs on it, and for no more.
    private func giveUpOpening(now: Int) {
        isOpeningOverdue = true
        for lease in waiting {
            outlet.finished(
                .notStarted(
                    lease.lease, .unreachable,
                    "host \(lease.lease.host) did not answer within \(WaitingPrelude.limit / 1000) s to a request for a channel"))
        }
        waiting = []
        for kill in kills { conclude(kill, gone: false, now: now) }
        kills = []
        retire()
    }

    /// The host has no more sessions to give on this connection: wait until one of ours is free, or say so.
    private func refused(_ session: SSHSession, now: Int) {
        // With fewer open than it once gave it only has not noticed yet that one is closed.
        channelLimit = channelPeak
        let since = tasks.isEmpty && spares.isEmpty ? refusal?.since ?? now : now
        guard now - since >= Self.refusal.limit else {
            refusal = (now + Self.refusal.pause, since)
            return
        }
        refusal = nil
        for lease in waiting {
            outlet.finished(.notStarted(lease.lease, .busy, "host \(lease.lease.host) refuses a session: \(session.errorText)"))
        }
        waiting = []
    }

    private var commandCount: Int { tasks.count(where: \.isCommand) }

    private func wantsChannel(_ now: Int) -> Bool {
        guard tasks.count + spares.count < channelLimit, !spares.contains(where: \.isExecuting) else { return false }
        let room = isRetiring ? 0 : Self.maximumCommands - commandCount
        if spares.count < kills.count + min(waiting.count, room) { return true }
        // One for the command that comes next, but not at the cost of one that has just begun.
        return servesCommands && spares.isEmpty && room > 0 && !isUnready && now >= spareFrom
    }

    /// From when on the next spare channel may be had.
    var spareFrom: Int {
        tasks.lazy.compactMap(\.run).filter { !$0.hasEnded }.map { $0.begunAt + Self.sparePause.begun }.max()
            ?? (isFresh ? 0 : lastUse + Self.sparePause.ended)
    }

    /// Takes every prelude as far as it goes now; true when something moved.
    func advanceSpares(_ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        var moved = false
        for spare in spares { moved = try advance(spare, session, now: now) || moved }
        spares.removeAll(where: \.isEnded)
        return moved
    }

    private func advance(_ spare: SpareChannel, _ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        let prelude = spare.prelude
        if case .executing = spare.step {
            // Input has to wait for the answer: sshd gives a channel no window before a command runs on it.
            switch spare.channel.execute(Prelude.line) {
            case .again:
                guard now >= spare.limit else { return false }
                end(spare, .unreachable, now: now) {
                    "host \($0.host) did not say within \(WaitingPrelude.limit / 1000) s that a shell runs"
                }
                // The answer may still come, and then be taken for another's.
                retire()
                return true
            case .done: spare.step = .started
            case .failed(let code):
                guard code == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED || code == LIBSSH2_ERROR_CHANNEL_FAILURE else {
                    throw lost(session)
                }
                end(spare, .hostUnsuitable, now: now) { "host \($0.host) refuses to run commands for \($0.user)" }
                return true
            }
        }
        var moved = false
        if !prelude.unsent.isEmpty, case .done(let count) = spare.channel.write(prelude.unsent) {
            prelude.wrote(count)
            moved = true
        }
        // Reading it is also what notices that the host has closed the connection, before anything is said to have been sent over it.
        for stderr in [false, true] {
            let bytes = try read(spare.channel, session, stderr: stderr)
            guard !bytes.isEmpty else { continue }
            prelude.received(bytes, stderr: stderr)
            moved = true
        }
        if spare.channel.isAtEnd || prelude.unsuitable != nil || prelude.isOver {
            end(spare, .hostUnsuitable, now: now) { prelude.failure(host: $0.host, user: $0.user) }
            return true
        }
        guard let deadline = spare.deadline, now >= deadline else { return moved }
        end(spare, .unreachable, now: now) { "host \($0.host) did not start a shell within \(WaitingPrelude.limit / 1000) s" }
        return true
    }

    /// A prelude does not come about, or is no more: what waits for it learns why, unless it was ready and only its channel ended.
    private func end(_ spare: SpareChannel, _ reason: WireReason, now: Int, _ message: (WireLease) -> String) {
        let wasReady = spare.isReady
        let task = ChannelTask(.nothing, on: spare, step: .draining(until: now + Self.drainLimit))
        spare.step = .ended
        tasks.append(task)
        isUnready = true
        guard !wasReady else { return }
        for lease in waiting { outlet.finished(.notStarted(lease.lease, reason, message(lease.lease))) }
        waiting = []
        for kill in kills { conclude(kill, gone: false, now: now) }
        kills = []
    }

    /// Gives preludes that are ready to what waits; the ending of a group goes first. True when something began.
    func startWaiting(now: Int) -> Bool {
        var moved = false
        while let index = spares.firstIndex(where: \.isReady) {
            let spare = spares[index]
            if !kills.isEmpty {
                let kill = kills.removeFirst()
                kill.begin(on: spare.prelude)
                tasks.append(ChannelTask(.kill(kill), on: spare, step: .exchanging))
            } else {
                guard !isRetiring, !waiting.isEmpty, commandCount < Self.maximumCommands else { break }
                guard start(waiting.removeFirst(), on: spare, now: now) else { continue }
            }
            spares.remove(at: index)
            isUnready = false
            isFresh = false
            moved = true
        }
        return moved
    }

    /// False when there is nothing that could be sent: the prelude goes on waiting.
    private func start(_ next: WaitingLease, on spare: SpareChannel, now: Int) -> Bool {
        do throws(PreludeError) {
            let run = try LeaseRun(next.lease, body: next.body, on: spare.prelude, now: now)
            run.onOutput = { [unowned outlet] stream, bytes in outlet.output(next.lease.leaseID, stream, bytes) }
            run.onStart = { [unowned outlet] group in outlet.stage(next.lease.leaseID, .started, group) }
            let end = outlet.stage(next.lease.leaseID, .starting, 0)
            tasks.append(ChannelTask(.command(run, next), on: spare, step: .announcing(end)))
            return true
        } catch {
            outlet.finished(.notStarted(next.lease, .policy, "command for \(next.lease.host): \(error.message)"))
            return false
        }
    }

    /// Nothing was sent on its channel: another command may have it.
    func takeBack(_ task: ChannelTask) {
        task.step = .done
        tasks.removeAll { $0 === task }
        if !isRetiring { spares.append(SpareChannel(takenBack: task)) }
    }

    /// Says how a command ended whose process group was looked for.
    func conclude(_ kill: GroupKill, gone: Bool, now: Int) {
        outlet.finished(kill.run.finished(now: now, groupGone: gone))
        lastUse = now
    }
}
