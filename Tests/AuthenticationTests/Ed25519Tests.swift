import Authentication
import Testing

struct Ed25519Tests {
    /// RFC 8032 section 7.1: TEST 1 and TEST 3.
    @Test(arguments: [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
                + "d25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
                + "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ])
    func `the vectors of RFC 8032 verify, and with any byte changed they do not`(
        key: String, message: String, signature: String
    ) throws {
        let key = try Ed25519PublicKey(raw: #require(Hex.decode(key.utf8)))
        let message = try #require(Hex.decode(message.utf8))
        let signature = try #require(Hex.decode(signature.utf8))
        #expect(key.verify(signature: signature, of: message))
        for changed in signature.withOneBitChanged { #expect(!key.verify(signature: changed, of: message)) }
        for changed in message.withOneBitChanged { #expect(!key.verify(signature: signature, of: changed)) }
        #expect(!key.verify(signature: signature, of: message + [0]))
        for length in [0, 1, 63] { #expect(!key.verify(signature: Array(signature.prefix(length)), of: message)) }
        #expect(!key.verify(signature: signature + [0], of: message))
    }

    @Test func `a key signs, survives the way through PEM, and its public half the way through text`() throws {
        let key = try Ed25519PrivateKey.generate()
        let again = try Ed25519PrivateKey(pem: key.pem(), origin: "test")
        let message = Array("message".utf8)
        #expect(try key.sign(message) == again.sign(message))
        let text = "\(key.publicKey)"
        #expect(text.hasPrefix("ed25519:") && text.utf8.count == 52)
        #expect(try Ed25519PublicKey(text: text).verify(signature: again.sign(message), of: message))
        #expect(try !Ed25519PrivateKey.generate().publicKey.verify(signature: key.sign(message), of: message))
    }

    @Test(arguments: [
        "", "ed25519:", "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "ED25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ==", "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= ",
    ])
    func `a text that is no public key is refused`(text: String) {
        #expect(throws: AuthenticationError.self) { try Ed25519PublicKey(text: text) }
    }

    @Test(arguments: [
        "", "x", TestKeys.p256PEM, TestKeys.rsaPEM, TestKeys.rsaPublicPEM, SSHKeys.ed25519,
        String(TestKeys.ed25519PEM.dropLast(30)),
    ])
    func `what is no Ed25519 private key is refused, and the error does not show it`(pem: String) {
        let error = #expect(throws: AuthenticationError.self) {
            try Ed25519PrivateKey(pem: SecretBytes(pem), origin: "/etc/x.key")
        }
        #expect(error?.code == .badKey)
        #expect(error?.message.contains("/etc/x.key") == true)
        #expect(error?.message.contains("BEGIN") == false)
    }

    @Test func `one public key verifies for many tasks at once`() async throws {
        let key = try Ed25519PrivateKey.generate()
        let signature = try key.sign([1])
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<200 {
                group.addTask { key.publicKey.verify(signature: signature, of: [UInt8(index % 2)]) == (index % 2 == 1) }
            }
            for await right in group { #expect(right) }
        }
    }
}
