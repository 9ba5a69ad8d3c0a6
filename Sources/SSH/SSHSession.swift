internal import CSSH2
internal import Glibc
internal import ProtocolMessages

/// What a libssh2 call came to.
///
/// `again` never means that a packet is half written: what is sent is always taken whole (see the send callback in `CSSH2/shim.h`).
enum Progress<Value> {
    case done(Value)
    /// The same call must be made again, with the same arguments, when more was received.
    case again
    case failed(Int32)
}

extension Progress: Sendable where Value: Sendable {}

/// One libssh2 session, never blocking, with pinned algorithms. Used by one thread.
@safe final class SSHSession {
    /// Algorithms that are offered, and no others: the oldest, most tested packet path of libssh2, none that Terrapin touches.
    static let methods: [(kind: Int32, names: String)] = [
        (LIBSSH2_METHOD_KEX, "curve25519-sha256,curve25519-sha256@libssh.org"),
        (LIBSSH2_METHOD_CRYPT_CS, "aes256-ctr,aes128-ctr"), (LIBSSH2_METHOD_CRYPT_SC, "aes256-ctr,aes128-ctr"),
        (LIBSSH2_METHOD_MAC_CS, "hmac-sha2-256,hmac-sha2-512"), (LIBSSH2_METHOD_MAC_SC, "hmac-sha2-256,hmac-sha2-512"),
        (LIBSSH2_METHOD_COMP_CS, "none"), (LIBSSH2_METHOD_COMP_SC, "none"),
    ]
    /// Host key types that can be pinned.
    static let hostKeyTypes = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"]

    /// Bytes the host may send on a channel before we have read some, and in one packet: libssh2's own defaults.
    private static let window: UInt32 = 2 * 1024 * 1024
    private static let packet: UInt32 = 32 * 1024
    /// Bytes that are received at most before other connections have their turn.
    private static let share: Int64 = 256 * 1024

    private let session: OpaquePointer
    private let traffic: UnsafeMutablePointer<sallyport_ssh_traffic>
    private let descriptor: Int32

    /// Takes ownership of a connected, non-blocking socket.
    ///
    /// - Throws: ``SSHFailure`` when libssh2 does not have one of the pinned algorithms.
    init(descriptor: Int32, hostKeyTypes: [String]) throws(SSHFailure) {
        self.descriptor = descriptor
        unsafe traffic = .allocate(capacity: 1)
        unsafe traffic.initialize(to: sallyport_ssh_traffic())
        guard let session = unsafe sallyport_ssh_session(traffic) else {
            unsafe traffic.deallocate()
            close(descriptor)
            throw SSHFailure(.unreachable, "libssh2 has no memory for a session")
        }
        unsafe self.session = unsafe session
        for (kind, names) in Self.methods + [(LIBSSH2_METHOD_HOSTKEY, hostKeyTypes.joined(separator: ","))] {
            guard unsafe libssh2_session_method_pref(session, kind, names) == 0 else {
                throw SSHFailure(.unreachable, "libssh2 does not have any of the algorithms \(names)")
            }
        }
    }

    deinit {
        // Shut first: freeing a session whose channels are open would otherwise wait for the host.
        shutdown(descriptor, Int32(SHUT_RDWR))
        unsafe traffic.pointee.allowance = .max
        var code = unsafe libssh2_session_free(session)
        for _ in 0..<64 where code == LIBSSH2_ERROR_EAGAIN { code = unsafe libssh2_session_free(session) }
        close(descriptor)
        // A session that cannot be freed still points to it: then both stay, rather than one dangle.
        guard code != LIBSSH2_ERROR_EAGAIN else { return }
        unsafe free(traffic.pointee.unsent)
        unsafe traffic.deallocate()
    }

    /// The socket, to wait on.
    var socket: Int32 { descriptor }

    /// Bytes received so far.
    var received: UInt64 { unsafe traffic.pointee.received }

    /// Bytes received and bytes the kernel took: grows as long as the host lives and takes what it is sent.
    var progress: UInt64 { unsafe traffic.pointee.received &+ traffic.pointee.sent }

    /// Bytes that wait for the socket.
    var unsent: Int { unsafe traffic.pointee.last - traffic.pointee.first }

    /// What the socket must be ready for before anything can go on.
    var events: Int16 { Int16(POLLIN) | (unsent > 0 ? Int16(POLLOUT) : 0) }

    /// Begins this connection's turn: hands waiting bytes to the kernel, and lets as many be received as one turn may. False when the
    /// connection is over.
    func flush() -> Bool {
        unsafe traffic.pointee.allowance = Self.share
        return unsafe sallyport_ssh_flush(descriptor, traffic) == 0
    }

    /// A packet was changed on the way: nothing that came after it counts.
    var isForged: Bool { unsafe traffic.pointee.error == EBADMSG }

    /// The host has closed the connection, and nothing of it is left to be read.
    var isAtEnd: Bool {
        var byte: UInt8 = 0
        let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)
    }

    /// What libssh2 says of its last error.
    var errorText: String {
        guard unsafe traffic.pointee.error != ENOBUFS else { return "the host asks for answers that it does not take" }
        guard !isForged else { return "a packet came with a wrong MAC: it was changed on the way, or the host is broken" }
        // What libssh2 says then is of the call before.
        guard unsafe ![EPIPE, ECONNRESET].contains(traffic.pointee.error) else { return "the host has closed the connection" }
        var text: UnsafeMutablePointer<CChar>?
        let code = unsafe libssh2_session_last_error(session, &text, nil, 0)
        let words = SSHFailure.printable(unsafe text.map { unsafe String(cString: $0) } ?? "")
        return words.isEmpty ? "libssh2 error \(code)" : "\(words) (libssh2 error \(code))"
    }

    func handshake() -> Progress<Void> { result(unsafe libssh2_session_handshake(session, descriptor)) }

    /// The host's key in wire form; empty before the handshake.
    var hostKey: [UInt8] {
        var length = 0
        var type: Int32 = 0
        guard let key = unsafe libssh2_session_hostkey(session, &length, &type) else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: key, count: length))
    }

    /// Authenticates as `user`; `signer` gives the signature when it is there.
    func authenticate(user: String, publicKey: [UInt8], signer: SignatureRequest) -> Progress<Void> {
        var context: UnsafeMutableRawPointer? = unsafe Unmanaged.passUnretained(signer).toOpaque()
        return result(
            unsafe libssh2_userauth_publickey(session, user, publicKey, publicKey.count, signCallback, &context))
    }

    func openChannel() -> Progress<SSHChannel> {
        let type = "session"
        let channel = unsafe libssh2_channel_open_ex(
            session, type, UInt32(type.utf8.count), Self.window, Self.packet, nil, 0)
        guard let channel = unsafe channel else {
            let code = unsafe libssh2_session_last_errno(session)
            return code == LIBSSH2_ERROR_EAGAIN ? .again : .failed(code)
        }
        return unsafe .done(SSHChannel(channel, of: self))
    }

    /// Has the host connect to a place and carry bytes there and back (RFC 4254 section 7.2).
    func openTunnel(to address: String, port: UInt32) -> Progress<SSHChannel> {
        // Where it comes from is nobody's business.
        let channel = unsafe libssh2_channel_direct_tcpip_ex(session, address, Int32(clamping: port), "127.0.0.1", 0)
        guard let channel = unsafe channel else {
            let code = unsafe libssh2_session_last_errno(session)
            return code == LIBSSH2_ERROR_EAGAIN ? .again : .failed(code)
        }
        return unsafe .done(SSHChannel(channel, of: self))
    }

    /// Asks the host for a sign of life; it answers, and what was received grows.
    func keepAlive() {
        var next: Int32 = 0
        unsafe libssh2_keepalive_config(session, 1, 1)
        unsafe libssh2_keepalive_send(session, &next)
    }

    func result(_ code: Int32) -> Progress<Void> {
        switch code {
        case 0...: .done(())
        case LIBSSH2_ERROR_EAGAIN: .again
        default: .failed(code)
        }
    }
}

/// A signature that libssh2 needs and the executor makes.
final class SignatureRequest {
    /// Called once, with the blob to be signed.
    let ask: ([UInt8]) -> Void
    /// The executor was asked.
    fileprivate(set) var isAsked = false
    /// The executor's answer, once it is there.
    var signature: [UInt8]?

    init(ask: @escaping ([UInt8]) -> Void) { self.ask = ask }
}

/// libssh2's sign callback: asks the first time and says "again" until the answer is there.
private let signCallback:
    @convention(c) (
        OpaquePointer?, UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?, UnsafeMutablePointer<Int>?, UnsafePointer<UInt8>?,
        Int,
        UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) -> Int32 = { _, signature, length, data, count, context in
        guard let signature = unsafe signature, let length = unsafe length, let data = unsafe data,
            let context = unsafe context?.pointee
        else { return -1 }
        let request = unsafe Unmanaged<SignatureRequest>.fromOpaque(context).takeUnretainedValue()
        guard let answer = request.signature else {
            if !request.isAsked {
                request.isAsked = true
                request.ask(unsafe Array(UnsafeBufferPointer(start: data, count: count)))
            }
            return LIBSSH2_ERROR_EAGAIN
        }
        // libssh2 frees it with free(3).
        guard !answer.isEmpty, let copy = unsafe malloc(answer.count) else { return -1 }
        unsafe memcpy(copy, answer, answer.count)
        unsafe signature.pointee = unsafe copy.assumingMemoryBound(to: UInt8.self)
        unsafe length.pointee = answer.count
        return 0
    }
