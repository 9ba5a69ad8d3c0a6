import Authentication
import Testing

struct IdentityKeyTests {
    private static let files = [
        "ed25519": SSHKeys.ed25519, "p256": SSHKeys.p256, "p384": SSHKeys.p384, "p521": SSHKeys.p521,
    ]

    @Test(arguments: files.keys.sorted())
    func `a key of ssh-keygen is read, and its public half is the one ssh-keygen shows`(name: String) throws {
        let file = try #require(Self.files[name])
        let shown = try #require(SSHKeys.publicHalves[name])
        let key = try IdentityKey(SecretBytes(file), origin: "test")
        #expect(key.authorizedKeysLine(comment: "test") == shown.line)
        #expect(key.fingerprint == shown.fingerprint)
        #expect(try !key.sign([1, 2, 3]).isEmpty)
    }

    @Test(arguments: [
        (TestKeys.ed25519PEM, "ssh-ed25519"), (TestKeys.p256PEM, "ecdsa-sha2-nistp256"),
        (TestKeys.p384PEM, "ecdsa-sha2-nistp384"),
        (TestKeys.p521PEM, "ecdsa-sha2-nistp521"),
    ])
    func `a key in PKCS#8 is read too`(pem: String, algorithm: String) throws {
        #expect(try IdentityKey(SecretBytes(pem), origin: "test").algorithm == algorithm)
    }

    @Test func `an Ed25519 signature verifies with the public half of the blob`() throws {
        let key = try IdentityKey(SecretBytes(SSHKeys.ed25519), origin: "test")
        let raw = try Ed25519PublicKey(raw: Array(key.publicBlob.suffix(32)))
        #expect(try raw.verify(signature: key.sign([1, 2, 3]), of: [1, 2, 3]))
    }

    @Test(arguments: ["", "deploy", "1234567", String(repeating: "c", count: 300)])
    func `a key that is written in OpenSSH's form is read as the same key`(comment: String) throws {
        let made = try Ed25519PrivateKey.generate()
        let read = try IdentityKey(made.openSSH(comment: comment), origin: "test")
        #expect(Array(read.publicBlob.suffix(32)) == made.publicKey.raw)
        #expect(try made.publicKey.verify(signature: read.sign([1, 2, 3]), of: [1, 2, 3]))
        #expect(try read.authorizedKeysLine(comment: "c") == made.authorizedKeysLine(comment: "c"))
    }

    @Test(arguments: [
        (SSHKeys.rsa, "ssh-keygen -t ed25519"), (SSHKeys.encrypted, "passphrase"), (TestKeys.rsaPEM, "ssh-keygen -t ed25519"),
        (TestKeys.rsaPublicPEM, "public half"), (SSHKeys.publicHalves["p256"]?.line ?? "", "public half"), ("", "no private key"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", "puttygen"), ("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "passphrase"),
    ])
    func `a key that cannot be used is refused with the next step`(file: String, step: String) {
        let error = #expect(throws: AuthenticationError.self) { try IdentityKey(SecretBytes(file), origin: "/etc/k") }
        #expect(error?.message.contains(step) == true, "\(error.map { "\($0)" } ?? "")")
        #expect(error?.message.contains("/etc/k") == true)
    }

    @Test(arguments: ["ed25519", "p256"])
    func `a damaged key is refused, wherever the damage is`(name: String) throws {
        let lines = try #require(Self.files[name]).split(separator: "\n").map(String.init)
        let body = try #require(Base64.decode(lines.dropFirst().dropLast().joined().utf8))
        let whole = try IdentityKey(SecretBytes(armour(body)), origin: "test").publicBlob
        for length in 0..<body.count {
            #expect(throws: AuthenticationError.self) {
                try IdentityKey(SecretBytes(armour(Array(body.prefix(length)))), origin: "test")
            }
        }
        #expect(throws: AuthenticationError.self) { try IdentityKey(SecretBytes(armour(body + [0])), origin: "test") }
        for changed in body.withOneBitChanged {
            // Changed in its comment, a key is still the same key.
            guard let key = try? IdentityKey(SecretBytes(armour(changed)), origin: "test") else { continue }
            #expect(key.publicBlob == whole)
        }
    }

    private func armour(_ body: [UInt8]) -> String {
        "-----BEGIN OPENSSH PRIVATE KEY-----\n\(Base64.encode(body))\n-----END OPENSSH PRIVATE KEY-----\n"
    }
}
