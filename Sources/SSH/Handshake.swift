internal import Authentication
internal import CLinux
internal import Glibc
internal import ProtocolMessages

/// From nothing to an authenticated session: TCP, key exchange, the pinned host key, one signature.
final class Handshake {
    private enum Step {
        case connecting(descriptor: Int32, address: Int32)
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
    private let ask: ([UInt8]) -> Void
    private var step: Step

    /// Begins to connect for the lease whose id the signature is asked for.
    init(_ key: ConnectionKey, host: String, timeout: Int, now: Int, ask: @escaping ([UInt8]) -> Void) throws(SSHFailure) {
        self.key = key
        self.host = host
        self.ask = ask
        deadline = now + timeout
        step = .done
        step = try connect(from: 0)
    }

    deinit { if case .connecting(let descriptor, _) = step { close(descriptor) } }

    /// Descriptor and events to wait for.
    var poll: (descriptor: Int32, events: Int16)? {
        switch step {
        case .connecting(let descriptor, _): (descriptor, Int16(POLLOUT))
        case .exchanging(let session): (session.socket, session.events)
        // Until the signature is there the host has nothing to say.
        case .authenticating(let session, let request):
            request.isAsked && request.signature == nil ? nil : (session.socket, session.events)
        case .done: nil
        }
    }

    /// The executor's answer.
    func sign(_ signature: [UInt8]) { if case .authenticating(_, let request) = step { request.signature = signature } }

    func advance(now: Int) throws(SSHFailure) -> Advance {
        while true {
            guard now < deadline else { throw failure(.unreachable, "\(stepName) took too long") }
            switch step {
            case .connecting(let descriptor, let address):
                guard let session = try connected(descriptor, address) else { return .waiting }
                step = .exchanging(session)
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
                case .failed:
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

    private func connect(from first: Int32) throws(SSHFailure) -> Step {
        var address = first
        var error: Int32 = 0
        while true {
            let descriptor = unsafe sallyport_tcp_connect(key.address, UInt16(clamping: key.port), address)
            if descriptor >= 0 { return .connecting(descriptor: descriptor, address: address) }
            guard descriptor != Int32.min else {
                throw failure(.unreachable, error == 0 ? "the name does not resolve" : "tcp connect: \(Self.text(error))")
            }
            error = -descriptor
            address += 1
        }
    }

    private func connected(_ descriptor: Int32, _ address: Int32) throws(SSHFailure) -> SSHSession? {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard unsafe Glibc.poll(&entry, 1, 0) > 0 else { return nil }
        let result = sallyport_tcp_result(descriptor)
        guard result == 0 else {
            close(descriptor)
            step = .done
            do throws(SSHFailure) {
                step = try connect(from: address + 1)
                return nil
            } catch {
                throw failure(.unreachable, "tcp connect: \(Self.text(-result))")
            }
        }
        step = .done
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
        case .connecting: "tcp connect"
        case .exchanging: "banner and key exchange"
        case .authenticating: "authentication"
        case .done: "connecting"
        }
    }

    private func failure(_ reason: WireReason, _ message: String) -> SSHFailure {
        SSHFailure(reason, "host \(host) (\(key.place)): \(message)")
    }

    private static func text(_ error: Int32) -> String {
        unsafe strerror(error).map { unsafe String(cString: $0) } ?? "error \(error)"
    }
}
