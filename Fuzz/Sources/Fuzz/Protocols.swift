import Authentication
import JobProtocol
import ProtocolMessages
import SwiftProtobuf

@testable import Parsers

extension FuzzTarget {
    private static let key = made { try Ed25519PrivateKey.generate() }
    private static let identity = made { try IdentityKey(try Ed25519PrivateKey.generate().pem(), origin: "generated") }

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
        FuzzTarget(name: "agent") { bytes in
            _ = try? SSHAgentMessage.signature(in: bytes)
            _ = try? SSHAgentMessage.keys(in: bytes)
            _ = try? SSHPublicKey(blob: bytes, origin: "input")
        },
        FuzzTarget(name: "certificate") { bytes in
            // Base64 would keep the fuzzer from the fields.
            let line = "ecdsa-sha2-nistp256-cert-v01@openssh.com \(Base64.encode(bytes)) input"
            _ = try? SSHCertificate(line: line, key: identity.publicBlob, origin: "input")
        },
        FuzzTarget(name: "marks") { bytes in
            // What a host sends: the same marks and output, whether it comes at once or in pieces.
            let (nonce, stream) = (Array("0123456789abcdef".utf8), bytes)
            var whole = MarkScanner(nonce: nonce)
            var pieces = MarkScanner(nonce: nonce)
            var output: (whole: [UInt8], pieces: [UInt8]) = ([], [])
            let marks = whole.scan(stream[...]) { output.whole += $0 }
            var same: [MarkScanner.Mark] = []
            for byte in stream { same += pieces.scan([byte][...]) { output.pieces += $0 } }
            whole.flush { output.whole += $0 }
            pieces.flush { output.pieces += $0 }
            guard marks == same else { fatalError("marks depend on the pieces") }
            guard output.whole == output.pieces else { fatalError("output depends on the pieces") }
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
