import Authentication
import Testing

@testable import Executor

@Suite struct UserAuthenticationRequestTests {
    private let identity: IdentityKey

    init() throws { identity = try Samples.identity() }

    /// The field that is refused; nil when the request is accepted.
    private func refusal(_ blob: [UInt8], user: String = "deploy") -> String? {
        do throws(SignerError) {
            _ = try UserAuthenticationRequest(blob, user: user, identity: identity)
            return nil
        } catch {
            return error.description
        }
    }

    private func refusal(_ change: (inout AuthenticationBlob) -> Void) -> String? {
        var blob = AuthenticationBlob(identity)
        change(&blob)
        return refusal(blob.bytes)
    }

    @Test func `the request that RFC 4252 describes is accepted, and its session is known`() throws {
        let blob = AuthenticationBlob(identity)
        #expect(refusal(blob.bytes) == nil)
        #expect(try UserAuthenticationRequest(blob.bytes, user: "deploy", identity: identity).sessionID == blob.session)
    }

    @Test func `an ECDSA identity is accepted under its own algorithm`() throws {
        let curve = try Samples.curveIdentity()
        let blob = AuthenticationBlob(curve).bytes
        #expect(throws: Never.self) { try UserAuthenticationRequest(blob, user: "deploy", identity: curve) }
        #expect(refusal(blob) == "signature refused: algorithm")
    }

    @Test(arguments: [(19, false), (20, true), (32, true), (48, true), (64, true), (65, false), (0, false)])
    func `a session id is as long as a hash`(count: Int, isGood: Bool) {
        #expect(
            refusal { $0.session = [UInt8](repeating: 3, count: count) } == (isGood ? nil : "signature refused: session id"))
    }

    @Test(arguments: [0, 1, 49, 51, 52, 255] as [UInt8])
    func `no other message is signed`(type: UInt8) {
        #expect(refusal { $0.type = type } == "signature refused: message type")
    }

    @Test(arguments: ["", "root", "Deploy", "deploy\0", "deploy ", "deplo", String(repeating: "d", count: 300)])
    func `no other user is let in`(user: String) {
        #expect(refusal { $0.user = user } == "signature refused: user")
    }

    @Test func `a user is the same bytes, not the same text`() {
        var blob = AuthenticationBlob(identity)
        blob.user = "jose\u{301}"
        #expect(refusal(blob.bytes, user: "jos\u{e9}") == "signature refused: user")
        #expect(refusal(blob.bytes, user: "jose\u{301}") == nil)
    }

    @Test(arguments: ["", "ssh-userauth", "ssh-connection\0", "SSH-CONNECTION"])
    func `no other service is begun`(service: String) {
        #expect(refusal { $0.service = service } == "signature refused: service")
    }

    @Test(arguments: ["", "password", "hostbased", "none", "publickey-hostbound-v00@openssh.com"])
    func `no other method is signed`(method: String) {
        #expect(refusal { $0.method = method } == "signature refused: method")
    }

    @Test(arguments: [0, 2, 255] as [UInt8])
    func `the flag says that a signature follows`(flag: UInt8) {
        #expect(refusal { $0.flag = flag } == "signature refused: signature flag")
    }

    @Test(arguments: ["", "ssh-rsa", "rsa-sha2-512", "ecdsa-sha2-nistp256", "ssh-ed25519-cert-v01@openssh.com"])
    func `the algorithm is the identity's own`(algorithm: String) {
        #expect(refusal { $0.algorithm = algorithm } == "signature refused: algorithm")
    }

    @Test func `the key is the identity's own, to the last bit`() throws {
        let other = try Samples.identity().publicBlob
        #expect(refusal { $0.key = other } == "signature refused: public key")
        for index in identity.publicBlob.indices {
            #expect(refusal { $0.key[index] ^= 1 } == "signature refused: public key", "byte \(index)")
        }
        #expect(refusal { $0.key += [0] } == "signature refused: public key")
        #expect(refusal { $0.key = [] } == "signature refused: public key")
    }

    @Test func `nothing follows`() {
        let good = AuthenticationBlob(identity).bytes
        for tail: [UInt8] in [[0], [0, 0, 0, 0], good] {
            #expect(refusal(good + tail) == "signature refused: trailing bytes")
        }
    }

    @Test func `a request that is cut anywhere is refused`() {
        let good = AuthenticationBlob(identity).bytes
        for count in 0..<good.count { #expect(refusal(Array(good.prefix(count))) != nil, "\(count) bytes") }
    }

    @Test func `a length that is larger than what follows is refused`() {
        for index in [0, 36] {
            var bytes = AuthenticationBlob(identity).bytes
            bytes.replaceSubrange(index..<index + 4, with: [0xff, 0xff, 0xff, 0xff])
            #expect(refusal(bytes) != nil)
        }
    }

    @Test func `a blob without end is not even read`() {
        let blob = AuthenticationBlob(identity).bytes
        let long = blob + [UInt8](repeating: 0, count: 4097 - blob.count)
        #expect(refusal(long) == "signature refused: the blob has 4097 bytes")
        #expect(refusal(Array(long.dropLast())) == "signature refused: trailing bytes")
    }

    @Test func `what certificates and agents sign is not signed`() {
        // A token's first part, an SSHSIG header, and a DSSE envelope.
        for text in ["eyJhbGciOiJFZERTQSJ9.e30", "SSHSIG\0\0\0\u{4}file", "DSSEv1 4 type 1 x"] {
            #expect(refusal(Array(text.utf8)) != nil)
        }
    }
}
