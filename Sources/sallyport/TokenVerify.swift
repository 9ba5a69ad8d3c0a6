import ArgumentParser
import Authentication
import JSON
import JobProtocol

/// `sallyport token verify`
struct TokenVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Verify a token against a JWKS file.",
        discussion: """
            Exit codes: 0 valid, 1 not valid (the reason on standard error), 2 wrong use or unreadable key file.

            Examples:
              sallyport token verify --keys token-keys.json < token
              sallyport token verify --keys token-keys.json --issuer https://ci.example \\
                  --audience sallyport < token
            """)

    @Option(help: "JWKS file, or a single JWK.")
    var keys: String

    @Flag(help: "Look at the signature alone, not at expiry or any other claim.")
    var signatureOnly = false

    @Option(help: "iss must be this.")
    var issuer: String?

    @Option(help: "aud must be or contain this.")
    var audience: String?

    @Option(help: "The token must be bound to this file's bytes by \(BodyBinding.claim).")
    var body: String?

    @Option(help: "Seconds by which clocks may differ, at most \(TokenVerifier.Requirements.maximumSkew).")
    var skew: Int64 = 0

    @Argument(help: "The token; standard input when left out.")
    var token: String?

    func validate() throws {
        guard (0...TokenVerifier.Requirements.maximumSkew).contains(skew) else {
            throw ValidationError("--skew: expected 0 to \(TokenVerifier.Requirements.maximumSkew) seconds")
        }
        guard !signatureOnly || issuer == nil && audience == nil && body == nil else {
            throw ValidationError("--signature-only looks at no claim; leave out --issuer, --audience and --body")
        }
    }

    func run() throws {
        try reporting {
            let bytes = try FileOutput.read(keys)
            let set: [TokenKey]
            do throws(AuthenticationError) {
                set = try JWK.keys(fromJSON: bytes, origin: keys)
            } catch {
                throw CommandFailure("\(error)", code: .usage)
            }
            let digest = try body.map { SHA256.hash(try FileOutput.read($0)) }
            let text = try token ?? String(decoding: FileOutput.read("-", limit: 64 * 1024), as: UTF8.self)
            let trimmed = text.hasSuffix("\n") ? String(text.dropLast()) : text
            do throws(TokenError) {
                let payload = try TokenSignature.payload(of: trimmed, keys: set)
                if !signatureOnly { try checkClaims(trimmed, keys: set, payload: payload, bodyDigest: digest) }
                Output.line(String(decoding: payload, as: UTF8.self))
            } catch {
                throw CommandFailure("not valid: \(error.message) (\(error.code.rawValue))", code: .failed)
            }
        }
    }

    /// Without --issuer and --audience those of the token itself are taken: expiry and form are still checked.
    private func checkClaims(
        _ text: String, keys: [TokenKey], payload: [UInt8], bodyDigest: [UInt8]?
    ) throws(TokenError) {
        let claims = try? JSONValue.parse(payload)
        let stated = claims?["aud"]?.string ?? claims?["aud"]?.array?.first?.string
        let requirements = TokenVerifier.Requirements(
            issuer: issuer, audience: audience ?? stated, clockSkew: skew, bindsBody: bodyDigest != nil)
        let verifier = TokenVerifier(keys: keys, requirements: requirements)
        _ = try verifier.verify(text, now: WallClock.now() / 1000, bodyDigest: bodyDigest)
    }
}
