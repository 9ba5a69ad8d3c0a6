internal import Authentication
internal import CLinux
internal import CSSH2
internal import Glibc
internal import ProtocolMessages

/// From nothing to an authenticated session: addresses, TCP, key exchange, the pinned host key, one signature.
final class Handshake {
    private enum Step {
        case lookingUp(NameLookup.Question)
        case tunnelling(Tunnel)
        /// `rest` are the addresses that are left to try; each has its share of the time.
        case connecting(descriptor: Int32, rest: ArraySlice<sallyport_address>, until: Int)
        case exchanging(SSHSession)
        case authenticating(SSHSession, SignatureRequest)
        case done
    }

    /// What advancing came to.
    enum Advance {
        case waiting
        case ready(SSHSession)
    }

    private let key: ConnectionKey
    private let host: String
    let deadline: Int
    private let names: NameLookup
    private let ask: ([UInt8]) -> Void
    private var step: Step

    /// Begins to connect.
    ///
    /// - Parameters:
    ///   - deadline: for everything, from the lookup of the name on.
    ///   - tunnel: the way through the last jump host.
    ///   - ask: asks for the one signature that is needed.
    init(
        _ key: ConnectionKey, host: String, deadline: Int, now: Int, names: NameLookup, tunnel: Tunnel?,
        ask: @escaping ([UInt8]) -> Void
    ) throws(SSHFailure) {
        self.key = key
        self.host = host
        self.names = names
        self.ask = ask
        self.deadline = deadline
        step = .done
        if let tunnel {
            step = .tunnelling(tunnel)
        } else if let addresses = NameLookup.numeric(key.address) {
            step = try connect(addresses[...], now: now)
        } else {
            do throws(SSHFailure) {
                step = .lookingUp(try names.ask(key.address))
            } catch {
                throw failure(error.reason, error.message, isLookup: true)
            }
        }
    }

    deinit {
        switch step {
        case .lookingUp(let question): names.leave(question)
        case .tunnelling(let tunnel): tunnel.abandon()
        case .connecting(let descriptor, _, _): close(descriptor)
        case .exchanging, .authenticating, .done: break
        }
    }

    /// When it must be advanced at the latest.
    var nextLook: Int { if case .connecting(_, _, let until) = step { min(until, deadline) } else { limit } }

    /// A jump host has the same deadline and shall say itself what took too long.
    private var limit: Int { if case .tunnelling = step { deadline + 200 } else { deadline } }

    /// Descriptor and events to wait for.
    var poll: (descriptor: Int32, events: Int16)? {
        switch step {
        case .connecting(let descriptor, _, _): (descriptor, Int16(POLLOUT))
        case .exchanging(let session): (session.socket, session.events)
        // Until the signature is there the host has nothing to say.
        case .authenticating(let session, let request):
            request.isAsked && request.signature == nil ? nil : (session.socket, session.events)
        case .lookingUp, .tunnelling, .done: nil
        }
    }

    /// The executor's answer.
    func sign(_ signature: [UInt8]) { if case .authenticating(_, let request) = step { request.signature = signature } }

    func advance(now: Int) throws(SSHFailure) -> Advance {
        while true {
            guard now < limit else { throw late }
            switch step {
            case .lookingUp(let question):
                guard let answer = question.answer else { return .waiting }
                switch answer {
                case .success(let addresses): step = try connect(addresses[...], now: now)
                case .failure(let error): throw failure(error.reason, error.message, isLookup: true)
                }
            case .tunnelling(let tunnel):
                if let failure = tunnel.failure { throw failure }
                guard let descriptor = tunnel.take() else { return .waiting }
                step = .done
                step = .exchanging(try session(descriptor))
            case .connecting(let descriptor, let rest, let until):
                guard let next = try connected(descriptor, rest, until: until, now: now) else { return .waiting }
                step = next
            case .exchanging(let session):
                guard session.flush() else {
                    throw failure(.unreachable, "banner and key exchange: the host has closed the connection")
                }
                switch session.handshake() {
                case .again: return .waiting
                case .failed: throw exchangeFailure(session)
                case .done:
                    try checkHostKey(session)
                    step = .authenticating(session, SignatureRequest(ask: ask))
                }
            case .authenticating(let session, let request):
                guard session.flush() else { throw failure(.unreachable, "authentication: the host has closed the connection") }
                switch session.authenticate(user: key.user, publicKey: key.publicKey, signer: request) {
                case .again: return .waiting
                case .failed(let code):
                    // libssh2 says much the same of a connection that is gone as of a key that is not accepted.
                    if code != LIBSSH2_ERROR_AUTHENTICATION_FAILED, session.isAtEnd {
                        throw failure(.unreachable, "authentication: the host has closed the connection")
                    }
                    throw failure(
                        .authentication,
                        "the host does not accept the key of identity \(key.identity) for user \(key.user): \(session.errorText)")
                case .done:
                    step = .done
                    return .ready(session)
                }
            case .done: return .waiting
            }
        }
    }

    private var pinnedTypes: [String] { Array(Set(key.hostKeys.compactMap { HostKey(blob: $0)?.type })).sorted() }

    private func connect(_ addresses: ArraySlice<sallyport_address>, now: Int) throws(SSHFailure) -> Step {
        var error: Int32 = 0
        var rest = addresses
        while var address = rest.popFirst() {
            let descriptor = unsafe sallyport_tcp_connect(&address, UInt16(clamping: key.port))
            if descriptor >= 0 {
                return .connecting(descriptor: descriptor, rest: rest, until: now + (deadline - now) / (rest.count + 1))
            }
            error = -descriptor
        }
        throw failure(.unreachable, "tcp connect: \(Self.text(error))")
    }

    /// What comes after an attempt to connect; nil as long as it lasts.
    private func connected(
        _ descriptor: Int32, _ rest: ArraySlice<sallyport_address>, until: Int, now: Int
    ) throws(SSHFailure) -> Step? {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let isDecided = unsafe Glibc.poll(&entry, 1, 0) > 0
        guard isDecided || (now >= until && !rest.isEmpty) else { return nil }
        let result = isDecided ? sallyport_tcp_result(descriptor) : -ETIMEDOUT
        step = .done
        guard result == 0 else {
            close(descriptor)
            guard !rest.isEmpty else { throw failure(.unreachable, "tcp connect: \(Self.text(-result))") }
            return try connect(rest, now: now)
        }
        return .exchanging(try session(descriptor))
    }

    private func session(_ descriptor: Int32) throws(SSHFailure) -> SSHSession {
        let types = SSHSession.hostKeyTypes.filter { pinnedTypes.contains($0) }
        guard !types.isEmpty else {
            close(descriptor)
            throw failure(
                .hostKey,
                "no host key is pinned; look at the host's and pin it: sallyport hosts scan \(key.address) --port \(key.port)")
        }
        return try SSHSession(descriptor: descriptor, hostKeyTypes: types)
    }

    private func checkHostKey(_ session: SSHSession) throws(SSHFailure) {
        let presented = session.hostKey
        guard key.hostKeys.contains(presented) else {
            let pinned = key.hostKeys.compactMap { HostKey(blob: $0)?.fingerprint }.joined(separator: ", ")
            let seen = HostKey(blob: presented)?.fingerprint ?? "no key"
            throw failure(
                .hostKey,
                "the host presents key \(seen), pinned is \(pinned); if the host was set up anew: sallyport hosts scan \(key.address) --port \(key.port)"
            )
        }
    }

    /// A host without a key of a pinned type ends the exchange as any other disagreement does: both are said.
    private func exchangeFailure(_ session: SSHSession) -> SSHFailure {
        let types = pinnedTypes.joined(separator: ", ")
        return failure(
            .unreachable,
            "banner and key exchange: \(session.errorText); pinned here are keys of type \(types), and if the host has none of that type, "
                + "look at what it has: sallyport hosts scan \(key.address) --port \(key.port)")
    }

    private var stepName: String {
        switch step {
        case .lookingUp: "the lookup of the name"
        case .tunnelling(let tunnel): "the way through jump host \(tunnel.jump)"
        case .connecting: "tcp connect"
        case .exchanging: "banner and key exchange"
        case .authenticating: "authentication"
        case .done: "connecting"
        }
    }

    private var late: SSHFailure {
        // The host was not asked for yet: it has not failed.
        if case .tunnelling(let tunnel) = step, !tunnel.isAsked {
            return SSHFailure(
                .busy,
                "host \(host) (\(key.place)): jump host \(tunnel.jump) is busy with connections to other hosts behind it; try again"
            )
        }
        guard case .lookingUp(let question) = step else { return failure(.unreachable, "\(stepName) took too long") }
        return failure(.unreachable, "\(stepName) took too long: \(names.delay(of: question))", isLookup: true)
    }

    private func failure(_ reason: WireReason, _ message: String, isLookup: Bool = false) -> SSHFailure {
        let way = key.way.isEmpty ? "" : " by way of \(key.way.map(\.place).joined(separator: ", "))"
        return SSHFailure(reason, "host \(host) (\(key.place)\(way)): \(message)", failedHost: host, isLookup: isLookup)
    }

    private static func text(_ error: Int32) -> String {
        unsafe strerror(error).map { unsafe String(cString: $0) } ?? "error \(error)"
    }
}
