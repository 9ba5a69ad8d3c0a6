import Authentication
import JSON
import Synchronization
import Testing

struct VerifiedTokensTests {
    private static let now: Int64 = 1_700_000_000

    /// Counts what the cache says of its look-ups.
    private final class Lookups: Sendable {
        let hits = Atomic(0)
        let misses = Atomic(0)
        func note(_ isHit: Bool) {
            if isHit { hits.add(1, ordering: .relaxed) } else { misses.add(1, ordering: .relaxed) }
        }
        var counts: [Int] { [hits.load(ordering: .relaxed), misses.load(ordering: .relaxed)] }
    }

    private let lookups = Lookups()
    private let cache: VerifiedTokens
    private let key: Ed25519PrivateKey
    private let keys: [TokenKey]

    init() throws {
        let lookups = lookups
        cache = VerifiedTokens { lookups.note($0) }
        key = try .generate()
        keys = try TestTokens.keys(key.publicKey.jwks(keyID: "a"))
    }

    private func token(_ more: (String, JSONValue)..., life: Int64 = 60) throws -> String {
        try TokenIssuer(pem: key.pem(), origin: "test", keyID: "a").issue(
            JSONObject(
                [("iss", .string("joe")), ("iat", .integer(Self.now)), ("exp", .integer(Self.now + life))]
                    + more.map { (name: $0.0, value: $0.1) }))
    }

    private func verifier(
        skew: Int64 = 0, maximumAge: Int64? = nil, claims: [ClaimDemand] = []
    ) -> TokenVerifier {
        TokenVerifier(
            keys: keys, requirements: .init(issuer: "joe", claims: claims, clockSkew: skew, maximumAge: maximumAge))
    }

    private func code(_ verifier: TokenVerifier, _ token: String, at now: Int64 = now, body: [UInt8]? = nil) -> TokenError.Code? {
        TokenError.Code.of { try verifier.verify(token, now: now, bodyDigest: body, cache: cache) }
    }

    @Test func `a token is known from its second use on, and its claims are the same`() throws {
        let (verifier, token) = (verifier(), try token(("sub", .string("deployer"))))
        let first = try verifier.verify(token, now: Self.now, cache: cache)
        let second = try verifier.verify(token, now: Self.now, cache: cache)
        #expect(lookups.counts == [1, 1])
        #expect(first.object == second.object)
        #expect(first.exp == second.exp)
    }

    @Test func `a known token expires all the same, on its second`() throws {
        let (verifier, token) = (verifier(skew: 5), try token())
        #expect(code(verifier, token) == nil)
        #expect(code(verifier, token, at: Self.now + 64) == nil)
        #expect(code(verifier, token, at: Self.now + 65) == .expired)
        #expect(lookups.counts == [2, 1])
    }

    @Test func `a known token grows too old all the same, and is not valid before its time`() throws {
        let (verifier, token) = (verifier(maximumAge: 10), try token(("nbf", .integer(Self.now - 1))))
        #expect(code(verifier, token) == nil)
        #expect(code(verifier, token, at: Self.now + 9) == nil)
        #expect(code(verifier, token, at: Self.now + 10) == .expired)
        #expect(code(verifier, token, at: Self.now - 2) == .notYetValid)
        #expect(lookups.counts == [3, 1])
    }

    @Test func `a known token is held to each body anew`() throws {
        let (verifier, token) = (verifier(), try token(("request_body_sha256", .string(BodyBinding.value(for: [1])))))
        #expect(code(verifier, token, body: SHA256.hash([1])) == nil)
        #expect(code(verifier, token, body: SHA256.hash([2])) == .body)
        #expect(lookups.counts == [1, 1])
    }

    @Test func `what one verifier accepted another one looks at itself`() throws {
        let token = try token()
        #expect(code(verifier(), token) == nil)
        let stricter = verifier(claims: [try ClaimDemand("env", .equals(.string("production")))])
        #expect(code(stricter, token) == .claim)
        let other = TokenVerifier(
            keys: try TestTokens.keys(Ed25519PrivateKey.generate().publicKey.jwks(keyID: "a")),
            requirements: .init(issuer: "joe"))
        #expect(code(other, token) == .signature)
        #expect(lookups.counts == [0, 3])
    }

    @Test func `a token that was refused is not remembered, nor is a forged one taken for a known one`() throws {
        let (verifier, token) = (verifier(), try token())
        #expect(code(verifier, token, at: Self.now + 60) == .expired)
        #expect(cache.count == 0)
        #expect(code(verifier, token) == nil)
        for forged in Array(token.utf8).withOneBitChanged.map({ String(decoding: $0, as: UTF8.self) }) {
            #expect(code(verifier, forged) != nil)
        }
        #expect(code(verifier, token + "A") != nil)
        #expect(lookups.hits.load(ordering: .relaxed) == 0)
    }

    @Test func `a token under a shared secret is not looked up`() throws {
        let verifier = TokenVerifier(keys: [try TestTokens.key()], requirements: .init(issuer: "joe"))
        let token = try TestTokens.signed(payload: "{\"iss\":\"joe\",\"exp\":1800000000}")
        for _ in 0..<2 { #expect(code(verifier, token) == nil) }
        #expect(lookups.counts == [0, 0])
    }

    @Test func `no more are remembered than there is room for, and those in use stay`() throws {
        let lookups = lookups
        let small = VerifiedTokens(capacity: 8) { lookups.note($0) }
        let (verifier, used) = (verifier(), try token(("jti", .string("used"))))
        for index in 0..<40 {
            _ = try verifier.verify(used, now: Self.now, cache: small)
            _ = try verifier.verify(token(("jti", .string("\(index)"))), now: Self.now, cache: small)
            #expect(small.count <= 8)
        }
        // Each of the 40 was new once, the one in use was only the first time.
        #expect(lookups.counts == [39, 41])
    }

    @Test func `a token with more than 4 KiB of claims is verified each time`() throws {
        func claims(_ bytes: Int) throws -> String {
            let frame = "{\"iss\":\"joe\",\"exp\":\(Self.now + 60),\"x\":\"\"}".utf8.count
            return try TokenIssuer(pem: key.pem(), origin: "test", keyID: "a").issue(
                JSONObject([
                    ("iss", .string("joe")), ("exp", .integer(Self.now + 60)),
                    ("x", .string(String(repeating: "x", count: bytes - frame))),
                ]))
        }
        let (fits, tooLarge) = (try claims(4096), try claims(4097))
        #expect(code(verifier(), tooLarge) == nil)
        #expect(cache.count == 0)
        #expect(code(verifier(), fits) == nil)
        #expect(cache.count == 1)
    }
}
