import Authentication
import JSON
import Testing

/// What remembering a verified token saves, both ways in one run. Slow machines and debug builds are far from the figures of
/// docs/tokens.md; that a known token is cheaper must hold on all.
@Suite(.serialized)
struct TokenCostTests {
    @Test(arguments: [TokenAlgorithm.rs256, .es256, .edDSA])
    func `a token that is known costs less than one that is not`(algorithm: TokenAlgorithm) throws {
        let token = try #require(ForeignTokens.all[algorithm.rawValue])
        let verifier = TokenVerifier(keys: [try TestTokens.key(for: algorithm)], requirements: .init(issuer: "joe"))
        let cache = VerifiedTokens()
        func cost(_ cache: VerifiedTokens?) throws -> Duration {
            // The best of some: whatever else the machine does only adds.
            try (0..<5).map { _ in
                try ContinuousClock().measure {
                    for _ in 0..<20 { _ = try verifier.verify(token, now: 1_700_000_000, cache: cache) }
                }
            }.min() ?? .zero
        }
        let (without, with) = (try cost(nil), try cost(cache))
        #expect(with < without)
        print("\(algorithm.rawValue): \(without / 20) without, \(with / 20) with the cache, ratio \(without / with)")
    }
}
