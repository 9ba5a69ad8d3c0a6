import Authentication

extension Case {
    private struct Head: DeliveryHead {
        let header: (name: String, value: String)
        let pathSecret: String? = nil
        let clientCertificate: ClientCertificate? = nil

        func values(of name: String) -> [String] {
            name.lowercased() == header.name.lowercased() ? [header.value] : []
        }
    }

    static let signatures = [
        Case("hmac: GitHub's signature of a 7 KiB push", counted: 40) {
            let secret = SecretBytes(copying: TestKeys.secret.utf8)
            let check = Verification.scheme(try HMACScheme(.github, secrets: [secret]))
            let code = try HMACKey(secret, hash: .sha256).code(for: Samples.push)
            let head = Head(header: ("X-Hub-Signature-256", "sha256=\(Hex.encode(code))"))
            return {
                let delivery = try check.begin(head, now: Samples.now / 1000)
                delivery.update(Samples.push)
                try delivery.finish(body: Samples.push)
            }
        }
    ]

    static let tokens =
        TokenAlgorithm.allCases.map { algorithm in
            Case("token: verify \(algorithm.rawValue)", counted: runs(algorithm)) {
                let (verifier, token) = (try Case.verifier(algorithm), try Case.token(algorithm))
                return { use(try verifier.verify(token, now: Samples.now / 1000)) }
            }
        } + [
            Case("token: verify RS256, known before", counted: 200) {
                let (verifier, token) = (try Case.verifier(.rs256), try Case.token(.rs256))
                let cache = VerifiedTokens()
                _ = try verifier.verify(token, now: Samples.now / 1000, cache: cache)
                guard cache.count == 1 else { throw Unexpected("the token is not remembered") }
                return { use(try verifier.verify(token, now: Samples.now / 1000, cache: cache)) }
            }
        ]

    private static func runs(_ algorithm: TokenAlgorithm) -> Int {
        switch algorithm {
        case .hs256, .hs384, .hs512: 200
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: 20
        case .es256, .edDSA: 10
        case .es384, .es512: 2
        }
    }

    private static func token(_ algorithm: TokenAlgorithm) throws -> String {
        guard let token = ForeignTokens.all[algorithm.rawValue] else { throw Unexpected("no token for \(algorithm.rawValue)") }
        return token
    }

    private static func verifier(_ algorithm: TokenAlgorithm) throws -> TokenVerifier {
        let jwk: String? =
            switch algorithm {
            case .hs256, .hs384, .hs512: nil
            case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: TestKeys.rsaJWK
            case .es256: TestKeys.p256JWK
            case .es384: TestKeys.p384JWK
            case .es512: TestKeys.p521JWK
            case .edDSA: TestKeys.ed25519JWK
            }
        let keys: [TokenKey]
        if let jwk {
            let named = #"{"alg":"\#(algorithm.rawValue)","# + jwk.dropFirst()
            keys = try JWK.keys(fromJSON: Array(named.utf8), origin: "sample")
        } else {
            keys = [try TokenKey(secret: SecretBytes(copying: TestKeys.secret.utf8), algorithm: algorithm)]
        }
        return TokenVerifier(keys: keys, requirements: .init(issuer: "joe", subject: "deployer"))
    }
}
