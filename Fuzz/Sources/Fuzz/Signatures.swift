import Authentication
import JSON

/// A head in which every header has the same value.
private struct Head: DeliveryHead {
    let value: String
    func values(of header: String) -> [String] { [value] }
    var pathSecret: String? { value }
    var clientCertificate: ClientCertificate? { nil }
}

extension FuzzTarget {
    private static let secrets = (0..<2).map { _ in SecretBytes(copying: Hex.encode(Random.bytes(32)).utf8) }
    private static let webhookSecret = SecretBytes(copying: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".utf8)

    private static let schemes: [any WebhookScheme] = made {
        try [
            HMACScheme(.hookdeck, secrets: secrets), HMACScheme(.github, secrets: secrets), HMACScheme(.gitea, secrets: secrets),
            HMACScheme(.bitbucket, secrets: secrets), HMACScheme(.shopify, secrets: secrets),
            HMACScheme(.slack, secrets: secrets),
            StripeSignature(secrets: secrets), StandardWebhooks(secrets: [webhookSecret]),
            StandardWebhooks(publicKeys: [Ed25519PrivateKey.generate().publicKey]), SharedToken(.gitlab, secrets: secrets),
            SharedToken(.bearer, secrets: secrets), BasicPassword(user: "u", passwords: secrets), PathSecret(secrets: secrets),
        ]
    }

    private static let verifier = made {
        try TokenVerifier(
            keys: [TokenKey(secret: secrets[0], id: "a")]
                + JWK.keys(
                    fromJSON: Array(
                        #"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#
                            .utf8),
                    origin: "RFC 8037"),
            requirements: .init(issuer: nil))
    }

    /// What proves a sender: nothing that was made without the secret may pass.
    static let signatures = [
        FuzzTarget(name: "signature") { bytes in
            let (header, body) = halves(bytes)
            for scheme in schemes {
                switch try? scheme.begin(Head(value: text(header)), now: 1_700_000_000) {
                case .proven: fatalError("\(scheme.about.name) passed without its secret")
                case .signature(let check):
                    check.update(body)
                    guard (try? check.finish(body: body)) == nil else {
                        fatalError("\(scheme.about.name) passed without its secret")
                    }
                case nil: break
                }
            }
        },
        FuzzTarget(name: "token") { bytes in
            guard (try? verifier.verify(text(bytes), now: 1_700_000_000)) == nil else {
                fatalError("a token that nobody signed passed")
            }
        },
        FuzzTarget(name: "jwk") { bytes in _ = try? JWK.keys(fromJSON: bytes, origin: "input") },
        FuzzTarget(name: "key") { bytes in _ = try? IdentityKey(SecretBytes(copying: bytes), origin: "input") },
    ]
}
