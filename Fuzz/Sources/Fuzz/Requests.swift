import JSON
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import Parsers

extension FuzzTarget {
    /// HTTP/1.1 as the ingress decodes it, and what it takes from a head before anything is verified.
    static let requests = [
        FuzzTarget(name: "http") { bytes in
            let channel = EmbeddedChannel()
            defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderFieldCount = 100
            limits.maxHeaderFieldSize = 16 * 1024
            limits.maxHeaderListSize = 64 * 1024
            try? channel.pipeline.syncOperations.configureHTTPServerPipeline(
                withErrorHandling: false, withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
            _ = try? channel.writeInbound(ByteBuffer(bytes: bytes))
            while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
                switch part {
                case .head(let head): read(head)
                case .body(let body): _ = try? JSONValue.parse(Array(body.readableBytesView))
                case .end: break
                }
            }
        },
        FuzzTarget(name: "address") { bytes in
            let (range, address) = halves(bytes)
            _ = IPNetwork(text(range)).flatMap { range in IPAddress(text(address)).map { range.contains($0) } }
        },
    ]

    private static func read(_ head: HTTPRequestHead) {
        _ = head.hasHost
        let view = RequestHeadView(head)
        _ = (view.pathSecret, view.values(of: "x-hookdeck-signature"))
        _ = HookRoute(RequestTarget.path(head.uri))
        guard RequestTarget.query(head.uri).count <= RequestTarget.maximumPairs else { fatalError("too many pairs") }
        for (name, value) in head.headers.trimmed {
            _ = name
            guard value.utf8.first != 0x20, value.utf8.last != 0x09 else { fatalError("white space is left") }
            _ = ParameterizedValue(value)?["charset"]
        }
    }
}
