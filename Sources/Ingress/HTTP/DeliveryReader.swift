internal import Authentication
internal import NIOCore
internal import NIOHTTP1

/// A delivery while its body arrives: the limit is kept and the signature computed with every piece.
final class DeliveryReader {
    let hook: Hook
    let head: HTTPRequestHead
    /// The other end of the connection.
    let peer: SocketAddress?
    private(set) var body = ByteBuffer()
    private var check: DeliveryCheck?
    private let memory: BodyMemory?

    /// - Parameters:
    ///   - client: with which the sender proved itself to TLS.
    ///   - now: Unix time in seconds.
    /// - Throws: the refusal when the head alone says that the delivery is not the sender's.
    init(
        hook: Hook, head: HTTPRequestHead, peer: SocketAddress? = nil, client: ClientCertificate? = nil,
        memory: BodyMemory? = nil, now: Int64
    ) throws(WebhookRefusal) {
        self.hook = hook
        self.head = head
        self.peer = peer
        self.memory = memory
        check = try hook.verification?.begin(RequestHeadView(head, client: client), now: now)
        if let length = head.headers.first(name: "content-length").flatMap(Int.init) {
            body.reserveCapacity(min(length, hook.maximumBody))
        }
    }

    deinit { memory?.giveBack(body.readableBytes) }

    /// Takes a piece of the body; the answer when it is too much.
    func append(_ bytes: ByteBuffer) -> Answer? {
        guard body.readableBytes + bytes.readableBytes <= hook.maximumBody else { return Self.tooLarge(hook) }
        guard memory?.take(bytes.readableBytes) ?? true else {
            return .unavailable("too many bodies are being read", retryAfter: JobAnswer.retryAfter)
        }
        check?.update(bytes.readableBytesView)
        body.writeImmutableBuffer(bytes)
        return nil
    }

    /// Ends the verification, once. A hook that says `verify: none` has none.
    ///
    /// - Throws: the refusal when the body is not what was signed.
    func verify() throws(WebhookRefusal) {
        guard let check else { return }
        self.check = nil
        try check.finish(body: body.readableBytesView)
    }

    static func tooLarge(_ hook: Hook) -> Answer {
        .problem(.payloadTooLarge, "the body may have \(hook.maximumBody) bytes")
    }
}
