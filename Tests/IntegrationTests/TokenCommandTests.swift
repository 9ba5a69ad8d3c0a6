import Foundation
import TestSupport
import Testing

/// `sallyport token`
@Suite struct TokenCommandTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func sallyport(_ arguments: [String], input: String = "") throws -> Command {
        try Command.run(try TestBed.binary("sallyport"), ["token"] + arguments, input: Data(input.utf8))
    }

    /// An Ed25519 key and its set, by name.
    private func keys(_ name: String) throws -> (key: String, set: String) {
        let made = try Command.run(
            try TestBed.binary("sallyport"), ["keygen", "\(folder.path)/\(name)", "--form", "jwks", "--name", name])
        return ("\(folder.path)/\(name)", try folder.write("\(name).json", made.output))
    }

    private func claims(_ token: String) throws -> [String: Any] {
        let payload = try #require(Data(base64URL: token.split(separator: ".")[1]))
        return try JSONSerialization.jsonObject(with: payload) as? [String: Any] ?? [:]
    }

    @Test func `a token has the claims that were asked for, with their types`() throws {
        let (key, set) = try keys("ci")
        let body = try folder.write("body", "abc")
        let issued = try sallyport([
            "issue", "--key", key, "--kid", "ci", "--issuer", "me", "--audience", "a", "--audience", "b", "--subject", "s",
            "--jti",
            "id-1", "--lifetime", "60", "--not-before=-5", "--body", body, "--claim", "text=x=y", "--claim", "number=3",
            "--claim", #"digits="3""#, "--claim", "flag=true", "--claim", #"list=["a",1]"#, "--claim", #"object={"a":[1]}"#,
        ])
        #expect(issued.code == 0, "\(issued.errors)")
        let token = issued.output.trimmingCharacters(in: .newlines)
        let claims = try claims(token)
        #expect(claims["aud"] as? [String] == ["a", "b"])
        #expect(claims["jti"] as? String == "id-1")
        #expect(claims["text"] as? String == "x=y")
        #expect(claims["number"] as? Int == 3)
        #expect(claims["digits"] as? String == "3")
        #expect(claims["flag"] as? Bool == true)
        #expect((claims["list"] as? [Any])?.count == 2)
        #expect(claims["request_body_sha256"] as? String == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let (iat, exp, nbf) = (claims["iat"] as? Int ?? 0, claims["exp"] as? Int ?? 0, claims["nbf"] as? Int ?? 0)
        #expect((exp - iat, iat - nbf) == (60, 5))
        #expect(try sallyport(["verify", "--keys", set, "--body", body], input: token + "\n").code == 0)
        #expect(try sallyport(["verify", "--keys", set, "--issuer", "me", "--audience", "b", token]).code == 0)
    }

    @Test func `verify says no with the reason, and tells wrong use from a bad token`() throws {
        let (key, set) = try keys("ci")
        let other = try keys("other").set
        let body = try folder.write("body", "abc")
        let mint = { (more: [String]) in
            try self.sallyport(["issue", "--key", key, "--issuer", "me", "--kid", "ci"] + more).output
                .trimmingCharacters(in: .newlines)
        }
        let token = try mint([])
        let expired = try mint(["--lifetime=-1"])
        for (arguments, code, reason) in [
            (["--keys", set, token], 0, ""), (["--keys", set, expired], 1, "expired"),
            (["--keys", set, "--skew", "60", expired], 0, ""), (["--keys", set, "--signature-only", expired], 0, ""),
            (["--keys", set, "--issuer", "you", token], 1, "issuer"), (["--keys", set, "--audience", "a", token], 1, "audience"),
            (["--keys", set, "--body", body, token], 1, "request_body_sha256"), (["--keys", other, token], 1, "key"),
            (["--keys", set, token + "x"], 1, "not valid"), (["--keys", set, "none"], 1, "three parts"),
            (["--keys", "\(folder.path)/absent", token], 2, "absent"), (["--keys", body, token], 2, "not JSON"),
            (["--keys", set, "--body", "\(folder.path)/absent", token], 2, "absent"),
        ] as [([String], Int32, String)] {
            let verdict = try sallyport(["verify"] + arguments)
            #expect(verdict.code == code, "\(arguments.dropLast()): \(verdict.errors)")
            #expect(reason.isEmpty || verdict.errors.contains(reason), "\(arguments.dropLast()): \(verdict.errors)")
            #expect(code == 0 || verdict.output.isEmpty)
        }
    }

    @Test func `an RSA key signs what another program verifies, and a shared secret what only its holder can`() throws {
        let key = "\(folder.path)/rsa.pem"
        #expect(try Command.run("/usr/bin/openssl", ["genpkey", "-algorithm", "RSA", "-out", key]).code == 0)
        _ = try Command.run("/usr/bin/chmod", ["600", key])
        let publicKey = "\(folder.path)/rsa.pub"
        _ = try Command.run("/usr/bin/openssl", ["pkey", "-in", key, "-pubout", "-out", publicKey])
        for (algorithm, options) in [
            ("RS256", ["-sha256"]),
            ("PS384", ["-sha384", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]),
        ] {
            let token = try sallyport(["issue", "--key", key, "--issuer", "me", "--algorithm", algorithm]).output
                .trimmingCharacters(in: .newlines)
            let parts = token.split(separator: ".")
            let signature = try #require(Data(base64URL: parts[2]))
            let file = try folder.write("signature", Array(signature))
            let verified = try Command.run(
                "/usr/bin/openssl", ["dgst"] + options + ["-verify", publicKey, "-signature", file],
                input: Data("\(parts[0]).\(parts[1])".utf8))
            #expect(verified.code == 0, "\(algorithm): \(verified.errors)")
        }
        let text = String(repeating: "s", count: 64)
        let secret = try folder.write("secret", text + "\n")
        let set = try folder.write("oct.json", "{\"kty\":\"oct\",\"alg\":\"HS512\",\"k\":\"\(text.base64URL)\"}")
        let token = try sallyport(["issue", "--secret", secret, "--issuer", "me", "--algorithm", "HS512"]).output
        #expect(try sallyport(["verify", "--keys", set], input: token).code == 0)
        let signed = try sallyport(["issue", "--key", set, "--issuer", "me"])
        #expect(signed.code == 0, "\(signed.errors)")
        #expect(try sallyport(["verify", "--keys", set], input: signed.output).code == 0)
    }

    @Test func `what cannot be meant is wrong use`() throws {
        let (key, _) = try keys("ci")
        let secret = try folder.write("secret", String(repeating: "s", count: 32))
        let jwk = try folder.write("oct.json", "{\"kty\":\"oct\",\"k\":\"\(String(repeating: "s", count: 32).base64URL)\"}")
        for arguments in [
            ["--issuer", "me"], ["--issuer", "me", "--key", key, "--secret", secret],
            ["--issuer", "me", "--key", key, "--algorithm", "RS256"],
            ["--issuer", "me", "--key", key, "--algorithm", "none"], ["--issuer", "me", "--key", key, "--claim", "x"],
            ["--issuer", "me", "--key", key, "--claim", "iss=you"], ["--issuer", "me", "--key", key, "--claim", "=x"],
            ["--issuer", "me", "--key", key, "--claim", "a=1", "--claim", "a=2"],
            ["--issuer", "me", "--key", key, "--jti", "1", "--claim", "jti=2"],
            ["--issuer", "me", "--key", "\(folder.path)/absent"], ["--issuer", "me", "--secret", secret, "--algorithm", "HS512"],
            ["--issuer", "me", "--key", jwk, "--kid", "x"], ["--issuer", "me", "--key", jwk, "--algorithm", "HS256"],
            ["--issuer", "me", "--key", key, "--body", "\(folder.path)/absent"],
        ] {
            let refused = try sallyport(["issue"] + arguments)
            #expect(refused.code == 2, "\(arguments): \(refused.errors)")
            #expect(refused.output.isEmpty)
        }
    }
}

extension String {
    fileprivate var base64URL: String {
        Data(utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

extension Data {
    fileprivate init?(base64URL text: some StringProtocol) {
        let standard = String(text).replacing("-", with: "+").replacing("_", with: "/")
        self.init(base64Encoded: standard + String(repeating: "=", count: (4 - standard.count % 4) % 4))
    }
}
