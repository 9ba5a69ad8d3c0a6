import ArgumentParser
import Authentication
import JSON
import JobProtocol

/// `sallyport token issue`
struct TokenIssue: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue", abstract: "Sign a token and print it.",
        discussion: """
            The key decides the algorithm: Ed25519 signs EdDSA, P-256, P-384 and P-521 sign ES256, ES384 and ES512, RSA signs RS256 \
            unless --algorithm names another of RS and PS, a shared secret HS256, HS384 or HS512.
            Exit codes: 0 issued, 2 wrong use or unreadable key file.

            Examples:
              sallyport token issue --key token.key --kid ci --issuer https://ci.example \\
                  --audience sallyport --subject deployer --lifetime 600 > token
              sallyport token issue --key token.key --issuer https://ci.example \\
                  --claim 'hooks=["github"]' > reader-token
              sallyport token issue --key token.key --issuer https://ci.example \\
                  --body push.json > token-for-this-body
            """)

    @Option(help: "File with a private key: PKCS#8 PEM, or one JWK with its own algorithm and key id.")
    var key: String?

    @Option(help: "File with a shared secret, for HS256, HS384 and HS512.")
    var secret: String?

    @Option(help: "Algorithm, where the key allows more than one: HS256, RS256, PS256 …")
    var algorithm: String?

    @Option(name: [.customLong("kid"), .customLong("key-id")], help: "Key id in the header (kid).")
    var keyID: String?

    @Option(help: "typ in the header.")
    var type = "JWT"

    @Option(help: "iss")
    var issuer: String

    @Option(help: "aud. May be repeated; several become a list.")
    var audience: [String] = []

    @Option(help: "sub")
    var subject: String?

    @Option(help: "Seconds until it expires; less than zero for one that has expired.")
    var lifetime: Int64 = 3600

    @Option(help: "Seconds from now until it becomes valid (nbf). Left out: no nbf.")
    var notBefore: Int64?

    @Option(help: "jti. Left out: a new UUID.")
    var jti: String?

    @Option(help: "Bind the token to this file's bytes (\(BodyBinding.claim)); `-` is standard input.")
    var body: String?

    @Option(
        help:
            "A further claim, NAME=TEXT or NAME=JSON: a number, true, a list; '\"3\"' is the text 3. May be repeated. exp, iat, nbf and jti given here replace those made."
    )
    var claim: [String] = []

    func run() throws {
        try reporting {
            let issuer = try signer()
            let digest = try body.map { BodyBinding.value(for: try FileOutput.read($0)) }
            let claims = try claims(now: WallClock.now() / 1000, bodyDigest: digest)
            Output.line(try issuer.issue(JSONObject(claims), type: type))
        }
    }

    /// All claims: those of the options, then --claim, then what is made where nothing was said.
    ///
    /// - Throws: `CommandFailure` for a claim that is given twice.
    func claims(now: Int64, bodyDigest: String?) throws -> [(name: String, value: JSONValue)] {
        var claims: [(name: String, value: JSONValue)] = [("iss", .string(issuer))]
        if let subject { claims.append(("sub", .string(subject))) }
        switch audience.count {
        case 0: break
        case 1: claims.append(("aud", .string(audience[0])))
        default: claims.append(("aud", .array(audience.map { .string($0) })))
        }
        if let jti { claims.append(("jti", .string(jti))) }
        if let notBefore { claims.append(("nbf", .integer(now + notBefore))) }
        if let bodyDigest { claims.append((BodyBinding.claim, .string(bodyDigest))) }
        for text in claim {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw CommandFailure("--claim \(text): expected NAME=VALUE", code: .usage)
            }
            let value = (try? JSONValue.parse(Array(parts[1].utf8))) ?? .string(String(parts[1]))
            claims.append((String(parts[0]), value))
        }
        // A name twice makes a token that every verifier should refuse.
        for (index, claim) in claims.enumerated() where claims[..<index].contains(where: { $0.name == claim.name }) {
            throw CommandFailure("the claim \(claim.name) is given twice", code: .usage)
        }
        let made: [(name: String, value: JSONValue)] = [
            ("iat", .integer(now)), ("exp", .integer(now + lifetime)), ("jti", .string(Random.uuidV7(milliseconds: now * 1000))),
        ]
        return claims + made.filter { one in !claims.contains { $0.name == one.name } }
    }

    private func signer() throws -> TokenIssuer {
        let chosen = try algorithm.map { name in
            guard let algorithm = TokenAlgorithm(rawValue: name) else {
                let known = TokenAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandFailure("--algorithm \(name): expected one of \(known)", code: .usage)
            }
            return algorithm
        }
        switch (key, secret) {
        case (let file?, nil):
            return try TokenIssuer(key: .read(file: file), origin: file, algorithm: chosen, keyID: keyID)
        case (nil, let file?):
            return try TokenIssuer(
                secret: SecretBytes.read(file: file).trimmingTrailingNewline(), algorithm: chosen ?? .hs256, keyID: keyID)
        default: throw CommandFailure("give either --key or --secret", code: .usage)
        }
    }
}
