import Authentication
import JobProtocol
import ProtocolMessages
import SwiftProtobuf

@testable import Parsers

extension FuzzTarget {
    private static let key = try! Ed25519PrivateKey.generate()
    private static let identity = try! IdentityKey(try! Ed25519PrivateKey.generate().pem(), origin: "generated")

    /// What comes over the sockets between our processes.
    static let protocols = [
        FuzzTarget(name: "frame") { bytes in
            // The same frames, whether they come at once or in two pieces.
            let whole = frames([bytes])
            let cut = bytes.count / 2
            guard whole == frames([Array(bytes[..<cut]), Array(bytes[cut...])]) else { fatalError("frames depend on the pieces") }
            for frame in whole {
                _ = try? Frames.decodeJobFrame(frame[...])
                _ = try? Frames.decodeWorkerFrame(frame[...])
                _ = try? Frames.decodeAdminRequest(frame[...])
                _ = try? Frames.decodeAdminResponse(frame[...])
            }
        },
        FuzzTarget(name: "envelope") { bytes in
            guard let envelope = try? WireSignedEnvelope(serializedBytes: bytes) else { return }
            let opened = try? Envelope.open(envelope, expecting: .jobRequest, trusting: TrustedKeys(["ingress": key.publicKey]))
            guard opened == nil else { fatalError("an envelope that nobody signed was opened") }
        },
        FuzzTarget(name: "login") { bytes in
            guard (try? UserAuthenticationRequest(bytes, user: "deploy", identity: identity)) != nil else { return }
            // Whatever is accepted ends with the key: nothing may follow.
            guard Array(bytes.suffix(identity.publicBlob.count)) == identity.publicBlob else { fatalError("bytes after the key") }
        },
    ]

    private static func frames(_ pieces: [[UInt8]]) -> [[UInt8]] {
        var buffer = FrameBuffer()
        var frames: [[UInt8]] = []
        for piece in pieces {
            buffer.append(piece)
            while let frame = try? buffer.next() { frames.append(Array(frame)) }
        }
        return frames
    }
}
