internal import CSSH2
internal import ProtocolMessages

extension Connection {
    /// Takes one channel as far as it goes now; true when something moved.
    func advance(_ task: ChannelTask, _ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        switch task.step {
        case .announcing(let end):
            guard outlet.isHandedOver(end) else { return false }
            task.step = .exchanging
            return true
        case .exchanging:
            switch task.work {
            case .command(let run, _): return try exchange(task, run, session, now: now)
            case .kill(let kill): return try exchange(task, kill, session, now: now)
            case .nothing: return false
            }
        case .draining(let until): return try drain(task, session, until: until, now: now)
        case .done: return false
        }
    }

    private func exchange(_ task: ChannelTask, _ kill: GroupKill, _ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        var moved = try write(task, session)
        var verdict: Bool?
        for stderr in [false, true] {
            let bytes = try read(task.channel, session, stderr: stderr)
            moved = moved || !bytes.isEmpty
            verdict = kill.received(bytes, stderr: stderr) ?? verdict
        }
        if let gone = verdict ?? (task.channel.isAtEnd ? false : nil) {
            conclude(kill, gone: gone, now: now)
            task.step = .draining(until: now + Self.drainLimit)
            return true
        }
        return overdue(task, now: now) || moved
    }

    private func exchange(_ task: ChannelTask, _ run: LeaseRun, _ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        var moved = try write(task, session)
        if run.stop != nil, !task.isInputEnded, case .done = task.channel.sendEOF() { task.isInputEnded = true }
        for stderr in [false, true] where !run.hasEnded {
            let bytes = try read(task.channel, session, stderr: stderr)
            guard !bytes.isEmpty else { continue }
            run.received(bytes, stderr: stderr, now: now)
            moved = true
        }
        // The channel is over and the trailer is not there: it will not come.
        if task.channel.isAtEnd { run.channelEnded() }
        if run.hasEnded {
            settle(task, run, now: now)
            return true
        }
        return overdue(task, now: now) || moved
    }

    func read(_ channel: SSHChannel, _ session: SSHSession, stderr: Bool) throws(SSHFailure) -> [UInt8] {
        let progress = channel.read(stderr: stderr)
        guard !session.isForged else { throw lost(session) }
        switch progress {
        case .again: return []
        case .done(let bytes): return bytes
        case .failed(let code):
            if code == LIBSSH2_ERROR_CHANNEL_CLOSED { return [] }
            throw lost(session)
        }
    }

    private func write(_ task: ChannelTask, _ session: SSHSession) throws(SSHFailure) -> Bool {
        let unsent =
            switch task.work {
            case .command(let run, _): run.unsent
            case .kill(let kill): kill.unsent
            case .nothing: ArraySlice<UInt8>()
            }
        guard !unsent.isEmpty, !task.isInputEnded, session.unsent < Self.maximumUnsent else { return false }
        // The same call with the same bytes after "again": what is unsent has not changed since.
        switch task.channel.write(unsent.prefix(32 * 1024)) {
        case .again: return false
        case .done(let count):
            switch task.work {
            case .command(let run, _): run.wrote(count)
            case .kill(let kill): kill.wrote(count)
            case .nothing: break
            }
            return count > 0
        case .failed(let code):
            // The command may be through with its input before all of it was sent.
            guard code == LIBSSH2_ERROR_CHANNEL_CLOSED || code == LIBSSH2_ERROR_CHANNEL_EOF_SENT else { throw lost(session) }
            task.isInputEnded = true
            return true
        }
    }

    /// Acts on a deadline that is over; true when it did.
    private func overdue(_ task: ChannelTask, now: Int) -> Bool {
        guard let deadline = task.deadline, now >= deadline else { return false }
        switch task.work {
        case .nothing: break
        case .kill(let kill):
            conclude(kill, gone: false, now: now)
            task.step = .draining(until: now + Self.drainLimit)
        case .command(let run, _):
            if run.hasStarted {
                run.end(.timeout)
                run.lost("the host did not end the command in time")
            } else {
                run.lost("the host did not say within \(LeaseRun.startLimit / 1000) s that the command began")
            }
            settle(task, run, now: now)
        }
        return true
    }

    /// The run has ended or is given up: what was stopped is looked for on the host before the outcome is told.
    private func settle(_ task: ChannelTask, _ run: LeaseRun, now: Int) {
        task.step = .draining(until: now + Self.drainLimit)
        // What was stopped while it waits for its lock must not begin after that.
        let waits = run.stop != nil && run.waitsForLock
        if waits || run.hasStarted && (run.stop != nil || run.isTimedOutOnHost || run.isCancelledOnHost) {
            kills.append(GroupKill(run, processGroup: run.processGroup, now: now))
            return
        }
        outlet.finished(run.finished(now: now, groupGone: false))
        lastUse = now
    }

    /// Closes a channel whose outcome is told. One that does not close holds a session of the host: the connection is then given up.
    private func drain(_ task: ChannelTask, _ session: SSHSession, until: Int, now: Int) throws(SSHFailure) -> Bool {
        switch task.channel.close() {
        case .again:
            // What the host still sends must be read, or the close never comes.
            var moved = false
            for stderr in [false, true] { moved = try !read(task.channel, session, stderr: stderr).isEmpty || moved }
            guard now >= until else { return moved }
            retire()
        case .done, .failed: task.channel.free()
        }
        task.step = .done
        return true
    }
}
