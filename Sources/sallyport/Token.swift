import ArgumentParser
import Authentication
import JSON
import JobProtocol

/// Tokens that callers show.
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Issue and verify JSON Web Tokens.", subcommands: [TokenIssue.self, TokenVerify.self])
}

/// `sallyport token issue`
struct TokenIssue: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "issue", abstract: "Sign a token and print it.")

    @Option(help: "Private key in PKCS#8 PEM: Ed25519, ECDSA or RSA.")
    var key: String?

    @Option(help: "File with a shared secret, for HS256, HS384 and HS512.")
    var secret: String?

    @Option(help: "Algorithm, where the key allows more than one: HS256, RS256, PS256 …")
    var algorithm: String?

    @Option(help: "Key id in the header.")
    var keyID: String?

    @Option(help: "iss")
    var issuer: String

    @Option(help: "aud")
    var audience: String?

    @Option(help: "sub")
    var subject: String?

    @Option(help: "Seconds until it expires.")
    var lifetime: Int64 = 3600

    @Option(help: "A further claim, NAME=TEXT or NAME=JSON. May be repeated.")
    var claim: [String] = []

    func run() throws {
        try reporting {
            let issuer = try signer()
            let now = WallClock.now() / 1000
            var claims: [(name: String, value: JSONValue)] = [
                ("iss", .string(self.issuer)), ("iat", .integer(now)), ("exp", .integer(now + lifetime)),
                ("jti", .string(Random.uuidV7(milliseconds: WallClock.now()))),
            ]
            if let audience { claims.append(("aud", .string(audience))) }
            if let subject { claims.append(("sub", .string(subject))) }
            for text in claim {
                let parts = text.split(separator: "=", maxSplits: 1)
                guard parts.count == 2 else { throw CommandFailure("--claim \(text): expected NAME=VALUE", code: .usage) }
                let value = (try? JSONValue.parse(Array(parts[1].utf8))) ?? .string(String(parts[1]))
                claims.append((String(parts[0]), value))
            }
            Output.line(try issuer.issue(JSONObject(claims)))
        }
    }

    private func signer() throws -> TokenIssuer {
        let chosen = try algorithm.map { name in
            guard let algorithm = TokenAlgorithm(rawValue: name) else {
                throw CommandFailure("--algorithm \(name): not known", code: .usage)
            }
            return algorithm
        }
        switch (key, secret) {
        case (let file?, nil): return try TokenIssuer(pem: .read(file: file), origin: file, algorithm: chosen, keyID: keyID)
        case (nil, let file?):
            return try TokenIssuer(
                secret: SecretBytes.read(file: file).trimmingTrailingNewline(), algorithm: chosen ?? .hs256, keyID: keyID)
        default: throw CommandFailure("give either --key or --secret", code: .usage)
        }
    }
}

/// `sallyport token verify`
struct TokenVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Verify a token against a JWKS file.",
        discussion: "Exit codes: 0 valid, 1 not valid (the reason on standard error), 2 wrong use or unreadable key file.")

    @Option(help: "JWKS file, or a single JWK.")
    var keys: String

    @Flag(help: "Look at the signature alone, not at expiry or any other claim.")
    var signatureOnly = false

    @Option(help: "iss must be this.")
    var issuer: String?

    @Option(help: "aud must be or contain this.")
    var audience: String?

    @Argument(help: "The token; standard input when left out.")
    var token: String?

    func run() throws {
        try reporting {
            let bytes = try FileOutput.read(keys)
            let set: [TokenKey]
            do throws(AuthenticationError) {
                set = try JWK.keys(fromJSON: bytes, origin: keys)
            } catch {
                throw CommandFailure("\(error)", code: .usage)
            }
            let text = try token ?? String(decoding: FileOutput.read("-", limit: 64 * 1024), as: UTF8.self)
            let trimmed = text.hasSuffix("\n") ? String(text.dropLast()) : text
            do throws(TokenError) {
                let payload = try TokenSignature.payload(of: trimmed, keys: set, types: ["jwt", "at+jwt"])
                if !signatureOnly { try checkClaims(trimmed, keys: set, payload: payload) }
                Output.line(String(decoding: payload, as: UTF8.self))
            } catch {
                throw CommandFailure("not valid: \(error.message) (\(error.code.rawValue))", code: .failed)
            }
        }
    }

    /// Without --issuer and --audience those of the token itself are taken: expiry and form are still checked.
    private func checkClaims(_ text: String, keys: [TokenKey], payload: [UInt8]) throws(TokenError) {
        let claims = try? JSONValue.parse(payload)
        let stated = claims?["aud"]?.string ?? claims?["aud"]?.array?.first?.string
        let requirements = TokenVerifier.Requirements(
            issuer: issuer ?? claims?["iss"]?.string ?? "", audience: audience ?? stated, clockSkew: 0)
        _ = try TokenVerifier(keys: keys, requirements: requirements).verify(text, now: WallClock.now() / 1000)
    }
}
