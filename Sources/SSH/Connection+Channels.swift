internal import CSSH2
internal import ProtocolMessages

extension Connection {
    /// Asks for a channel where one is wanted; true when there is a new one.
    ///
    /// libssh2 keeps the state of a request in the session: one request at a time, and once made it is repeated until it is answered.
    func openChannel(_ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        if let refusal, now >= refusal.until, !wantsChannel { self.refusal = nil }
        guard isOpening || (wantsChannel && now >= refusal?.until ?? 0) else { return false }
        switch session.openChannel() {
        case .again:
            isOpening = true
            return false
        case .done(let channel):
            isOpening = false
            refusal = nil
            spare = channel
            return true
        case .failed(let code):
            isOpening = false
            guard code == LIBSSH2_ERROR_CHANNEL_FAILURE else { throw lost(session) }
            refused(session, now: now)
            return false
        }
    }

    /// The host has no more sessions to give on this connection: wait until one of ours is free, or say so.
    private func refused(_ session: SSHSession, now: Int) {
        channelLimit = max(1, tasks.count)
        let since = tasks.isEmpty ? refusal?.since ?? now : now
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

    private var wantsChannel: Bool {
        guard spare == nil, tasks.count < channelLimit else { return false }
        if !kills.isEmpty { return true }
        // One for the command that waits, or for the one that comes next.
        return !isRetiring && commandCount < Self.maximumCommands
    }

    /// Gives the spare channel to what waits; the ending of a group goes first.
    func startWaiting(_ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        guard let channel = spare else { return false }
        // Reading it is what notices that the host has closed the connection, before anything is said to have been sent over it.
        if case .failed = channel.read(stderr: false) { throw lost(session) }
        guard !channel.isAtEnd else {
            spare = nil
            return true
        }
        if let kill = kills.first {
            kills.removeFirst()
            spare = nil
            tasks.append(ChannelTask(.kill(kill), on: channel, step: .executing))
            return true
        }
        guard !isRetiring, !waiting.isEmpty, commandCount < Self.maximumCommands else { return false }
        let next = waiting.removeFirst()
        do throws(PreludeError) {
            let run = try LeaseRun(next.lease, body: next.body, now: now)
            run.onOutput = { [unowned outlet] stream, bytes in outlet.output(next.lease.leaseID, stream, bytes) }
            run.onStart = { [unowned outlet] group in outlet.stage(next.lease.leaseID, .started, group) }
            outlet.stage(next.lease.leaseID, .starting, 0)
            spare = nil
            tasks.append(ChannelTask(.command(run, next), on: channel, step: .announcing))
        } catch {
            outlet.finished(.notStarted(next.lease, .policy, "command for \(next.lease.host): \(error.message)"))
        }
        return true
    }

    /// Nothing was sent on its channel: another command may have it.
    func takeBack(_ task: ChannelTask) {
        task.step = .done
        tasks.removeAll { $0 === task }
        if spare == nil, !isRetiring { spare = task.channel }
    }

    /// Says how a command ended whose process group was looked for.
    func conclude(_ kill: GroupKill, gone: Bool, now: Int) {
        outlet.finished(kill.run.finished(now: now, groupGone: gone))
        lastUse = now
    }
}
