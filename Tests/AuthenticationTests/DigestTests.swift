import Authentication
import Testing

struct SHA256Tests {
    /// FIPS 180-4's examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `the published digests, in one piece and in many`(message: String, digest: String) {
        #expect(Hex.encode(SHA256.hash(message.utf8)) == digest)
        let pieces = SHA256()
        for byte in message.utf8 { pieces.update([byte]) }
        #expect(Hex.encode(pieces.finish()) == digest)
    }
}

struct HMACTests {
    /// RFC 4231 test case 2.
    @Test(arguments: [
        (HMACKey.Hash.sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            .sha384,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"
        ),
        (
            .sha512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                + "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        ),
    ])
    func `the vectors of RFC 4231`(hash: HMACKey.Hash, code: String) throws {
        let key = try HMACKey(SecretBytes("Jefe"), hash: hash)
        let message = Array("what do ya want for nothing?".utf8)
        #expect(Hex.encode(key.code(for: message)) == code)
        let stream = key.begin()
        for byte in message { stream.update([byte]) }
        stream.update([])
        #expect(Hex.encode(stream.finish()) == code)
        #expect(hash.byteCount * 2 == code.count)
    }

    /// GitHub's documentation and octokit/webhooks-methods.js.
    @Test(arguments: [
        (
            "It's a Secret to Everybody", "Hello, World!",
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        ),
        ("mysecret", "{\n  \"foo\": \"bar\"\n}\n", "e3eccac34c43c7dc1cbb905488b1b81347fcc700a7b025697a9d07862256023f"),
    ])
    func `GitHub's signatures verify, and with any byte changed they do not`(
        secret: String, body: String, code: String
    ) throws {
        let key = try HMACKey(SecretBytes(secret), hash: .sha256)
        let expected = try #require(Hex.decode(code.utf8))
        let body = Array(body.utf8)
        #expect(key.verify(expected, of: body))
        for changed in expected.withOneBitChanged { #expect(!key.verify(changed, of: body)) }
        for changed in body.withOneBitChanged { #expect(!key.verify(expected, of: changed)) }
        for changed in Array(secret.utf8).withOneBitChanged {
            #expect(try !HMACKey(SecretBytes(copying: changed), hash: .sha256).verify(expected, of: body))
        }
        #expect(!key.verify([], of: body))
        #expect(!key.verify(Array(expected.dropLast()), of: body))
        #expect(!key.verify(expected + [0], of: body))
    }

    @Test(arguments: HMACKey.Hash.allCases)
    func `an empty key is an error and never a pass`(hash: HMACKey.Hash) {
        let error = #expect(throws: AuthenticationError.self) { try HMACKey(SecretBytes(""), hash: hash) }
        #expect(error?.code == .emptySecret)
    }

    @Test func `one key serves many tasks at once`() async throws {
        let key = try HMACKey(SecretBytes(TestKeys.secret), hash: .sha256)
        let expected = (0..<64).map { key.code(for: [UInt8($0)]) }
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<512 { group.addTask { key.verify(expected[index % 64], of: [UInt8(index % 64)]) } }
            for await verified in group { #expect(verified) }
        }
    }
}

struct ConstantTimeTests {
    @Test func `equal means the same length and the same bytes`() {
        #expect(ConstantTime.equal([1, 2, 3], [1, 2, 3]))
        #expect(ConstantTime.equal([], []))
        #expect(!ConstantTime.equal([1, 2, 3], [1, 2]))
        #expect(!ConstantTime.equal([1, 2, 3], [1, 2, 4]))
        #expect(!ConstantTime.equal([0, 2, 3], [1, 2, 3]))
    }
}
