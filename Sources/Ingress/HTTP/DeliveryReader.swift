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
    private var verification: HookdeckVerification?

    init(hook: Hook, head: HTTPRequestHead, peer: SocketAddress? = nil) {
        self.hook = hook
        self.head = head
        self.peer = peer
        verification = hook.verification?.begin()
        if let length = head.headers.first(name: "content-length").flatMap(Int.init) {
            body.reserveCapacity(min(length, hook.maximumBody))
        }
    }

    /// Takes a piece of the body; the answer when it is too much.
    func append(_ bytes: ByteBuffer) -> Answer? {
        guard body.readableBytes + bytes.readableBytes <= hook.maximumBody else { return Self.tooLarge(hook) }
        verification?.update(bytes.readableBytesView)
        body.writeImmutableBuffer(bytes)
        return nil
    }

    /// The signature's verdict, once; true for a hook that says `verify: none`.
    func verify() -> HookdeckVerification.Verdict? {
        guard let verification else { return nil }
        self.verification = nil
        return verification.finish(
            signatures: head.headers[DeliveryReader.signature], secondary: head.headers[DeliveryReader.secondSignature])
    }

    static let signature = "x-hookdeck-signature"
    static let secondSignature = "x-hookdeck-signature-2"

    static func tooLarge(_ hook: Hook) -> Answer {
        .problem(.payloadTooLarge, "the body may have \(hook.maximumBody) bytes")
    }
}
