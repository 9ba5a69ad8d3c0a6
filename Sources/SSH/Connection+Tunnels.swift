internal import CSSH2
internal import Glibc
internal import ProtocolMessages

extension Connection {
    /// Ways to other hosts through this one at once.
    static let maximumTunnels = 256
    /// A host behind this one that does not answer may keep a request waiting as long, in milliseconds; then everything else that wants a
    /// channel of the connection goes to another one.
    static let tunnelPatience = 1_500
    /// Bytes taken off a tunnel's socket at once; as many wait at most on either way.
    private static let piece = 32 * 1024

    /// Takes on the way to another host.
    func add(_ tunnel: Tunnel, now: Int) {
        lastUse = now
        guard tunnels.count < Self.maximumTunnels else {
            return tunnel.end(
                SSHFailure(.busy, "\(Self.maximumTunnels) connections go through jump host \(tunnel.jump) (\(key.place)) already")
            )
        }
        tunnels.append(tunnel)
    }

    /// Descriptors and events of the tunnels' sockets.
    func tunnelPolls(_ session: SSHSession) -> [(descriptor: Int32, events: Int16)] {
        let hasRoom = session.unsent < Self.maximumUnsent
        return tunnels.compactMap { tunnel in
            let events = tunnel.events(hasRoom: hasRoom)
            return events == 0 ? nil : (tunnel.socket, events)
        }
    }

    /// Asks for the next tunnel's channel; true when one came or will not. One request at a time, as for sessions.
    func openTunnel(_ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        if openingTunnel == nil {
            guard !isOpening, !spares.contains(where: \.isExecuting) else { return false }
            openingTunnel = tunnels.first { $0.isWaiting && !$0.isAbandoned }
            openingTunnelSince = openingTunnel == nil ? nil : now
            openingTunnel?.isAsked = true
        }
        guard let tunnel = openingTunnel else { return false }
        switch session.openTunnel(to: tunnel.address, port: tunnel.port) {
        case .again:
            if !isOpeningOverdue, now - (openingTunnelSince ?? now) >= Self.tunnelPatience { moveOthers(but: tunnel, now: now) }
            return false
        case .done(let channel):
            (openingTunnel, openingTunnelSince) = (nil, nil)
            if tunnel.isAbandoned {
                tunnel.state = .closing(channel, until: now + Self.drainLimit)
            } else {
                tunnel.open(channel)
            }
        case .failed(let code):
            (openingTunnel, openingTunnelSince) = (nil, nil)
            guard code == LIBSSH2_ERROR_CHANNEL_FAILURE else { throw lost(session) }
            tunnel.state = .done
            let place = tunnel.address.contains(":") ? "[\(tunnel.address)]:\(tunnel.port)" : "\(tunnel.address):\(tunnel.port)"
            tunnel.end(
                SSHFailure(
                    .unreachable,
                    "jump host \(tunnel.jump) (\(key.place)) does not connect to host \(tunnel.host) (\(place)): \(session.errorText); "
                        + "its sshd must reach that address and its authorized_keys must allow permitopen=\"\(place)\"",
                    failedHost: tunnel.host))
        }
        outlet.wake()
        return true
    }

    /// Nothing else can be asked of this connection before the jump host has answered for `tunnel`: it takes no more, and what waits
    /// goes to another.
    private func moveOthers(but tunnel: Tunnel, now: Int) {
        isOpeningOverdue = true
        for kill in kills { conclude(kill, gone: false, now: now) }
        kills = []
        retire()
        // One whose signature for this jump host is given already could not make another connection to it.
        let others = tunnels.filter { $0.isWaiting && !$0.isAbandoned && !$0.hasAsked && !$0.isSecondTry && $0 !== tunnel }
        tunnels.removeAll { other in others.contains { $0 === other } }
        for other in others {
            other.isSecondTry = true
            outlet.open(other)
        }
    }

    /// Carries what there is, both ways; true when something moved.
    func advanceTunnels(_ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        var moved = false
        for tunnel in tunnels {
            switch tunnel.state {
            case .waiting: if tunnel.isAbandoned, tunnel !== openingTunnel { tunnel.state = .done }
            case .open(let channel): moved = try carry(tunnel, channel, session, now: now) || moved
            case .closing(let channel, let until): moved = try close(tunnel, channel, session, until: until, now: now) || moved
            case .done: break
            }
        }
        let count = tunnels.count
        tunnels.removeAll(where: \.isDone)
        if tunnels.count != count { lastUse = now }
        return moved
    }

    private func carry(_ tunnel: Tunnel, _ channel: SSHChannel, _ session: SSHSession, now: Int) throws(SSHFailure) -> Bool {
        var moved = false
        var isOver = tunnel.isAbandoned || tunnel.failure != nil
        if !isOver, tunnel.outgoing.isEmpty, session.unsent < Self.maximumUnsent {
            switch Self.receive(tunnel.socket) {
            case .done(let bytes):
                tunnel.outgoing = bytes[...]
                isOver = bytes.isEmpty
            case .failed: isOver = true
            case .again: break
            }
        }
        if !tunnel.outgoing.isEmpty {
            switch channel.write(tunnel.outgoing) {
            case .done(let count):
                tunnel.outgoing = tunnel.outgoing.dropFirst(count)
                moved = count > 0
            case .again: break
            case .failed: isOver = true
            }
        }
        if tunnel.incoming.isEmpty {
            tunnel.incoming = try read(channel, session, stderr: false)[...]
            if tunnel.incoming.isEmpty, channel.isAtEnd { isOver = true }
        }
        if !isOver, !tunnel.incoming.isEmpty {
            let count = unsafe tunnel.incoming.withUnsafeBytes {
                unsafe sallyport_ssh_pass(tunnel.socket, $0.baseAddress, $0.count)
            }
            if count > 0 { tunnel.incoming = tunnel.incoming.dropFirst(count) }
            moved = moved || count > 0
            isOver = count < 0 && errno != EAGAIN && errno != EINTR
        }
        guard isOver else { return moved }
        if !tunnel.isAbandoned {
            tunnel.end(
                SSHFailure(
                    .unreachable, "the way to host \(tunnel.host) through jump host \(tunnel.jump) (\(key.place)) has ended"))
        }
        tunnel.state = .closing(channel, until: now + Self.drainLimit)
        outlet.wake()
        return true
    }

    private func close(
        _ tunnel: Tunnel, _ channel: SSHChannel, _ session: SSHSession, until: Int, now: Int
    ) throws(SSHFailure) -> Bool {
        switch channel.close() {
        case .again:
            // What still comes must be read, or the close never does.
            let moved = try !read(channel, session, stderr: false).isEmpty
            guard now >= until else { return moved }
            retire()
        case .done, .failed: channel.free()
        }
        tunnel.state = .done
        return true
    }

    private static func receive(_ descriptor: Int32) -> Progress<[UInt8]> {
        var code = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: piece) { buffer, count in
            code = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
            count = max(0, code)
        }
        if code >= 0 { return .done(bytes) }
        return errno == EAGAIN || errno == EINTR ? .again : .failed(errno)
    }

    /// The way is tried once more over another connection, unless it was already.
    func repeatOnce(_ tunnel: Tunnel, _ failure: SSHFailure) {
        guard !tunnel.isAbandoned else { return }
        guard !tunnel.isSecondTry, !tunnel.hasAsked, tunnel.isWaiting else { return tunnel.end(failure) }
        tunnel.isSecondTry = true
        outlet.open(tunnel)
    }
}
