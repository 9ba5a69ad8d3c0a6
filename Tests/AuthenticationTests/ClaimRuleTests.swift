import Authentication
import JSON
import Testing

struct ClaimRuleTests {
    /// Stands for an operator's pattern; how those are read is tested where they are made.
    private struct Prefix: ClaimPattern {
        let text: String
        func matches(_ value: String) -> Bool { value.hasPrefix(text) }
    }

    private func verdict(_ name: String, _ rule: ClaimRule, _ claims: String) throws -> TokenError? {
        let requirements = TokenVerifier.Requirements(issuer: nil, claims: [try ClaimDemand(name, rule)])
        let verifier = TokenVerifier(keys: [try TestTokens.key()], requirements: requirements)
        let token = try TestTokens.signed(payload: "{\"exp\":1800000000,\(claims)}")
        do throws(TokenError) {
            _ = try verifier.verify(token, now: 1_700_000_000)
            return nil
        } catch {
            return error
        }
    }

    private static let values: [(JSONValue, String)] = [
        (.string("3"), "\"3\""), (.integer(3), "3"), (.bool(true), "true"), (.string("true"), "\"true\""), (.null, "null"),
        (.array([.string("3")]), "[\"3\"]"), (.object(JSONObject([("a", .integer(3))])), "{\"a\":3}"), (.string(""), "\"\""),
    ]

    @Test func `a value is equal to itself alone, of whatever type it is`() throws {
        for (index, (value, _)) in Self.values.enumerated() {
            for (other, (_, text)) in Self.values.enumerated() {
                let error = try verdict("x", .equals(value), "\"x\":\(text)")
                #expect((error == nil) == (index == other), "\(value) and \(text)")
                #expect(error == nil || error?.code == .claim)
            }
        }
    }

    @Test(
        arguments: [
            (#""x":"a""#, true), (#""x":"b""#, true), (#""x":3"#, true), (#""x":"3""#, false), (#""x":"c""#, false),
            (#""x":["a"]"#, false), (#""x":"A""#, false), (#""x":null"#, false), (#""y":"a""#, false),
        ] as [(String, Bool)])
    func `one of a set is accepted, and nothing else`(claims: String, accepted: Bool) throws {
        let error = try verdict("x", .oneOf([.string("a"), .string("b"), .integer(3)]), claims)
        #expect((error == nil) == accepted)
    }

    @Test(
        arguments: [
            (#""x":"refs/heads/main""#, true), (#""x":"heads/main""#, false), (#""x":["refs/heads/main"]"#, false),
            (#""x":3"#, false), (#""x":null"#, false),
        ] as [(String, Bool)])
    func `a pattern is for texts`(claims: String, accepted: Bool) throws {
        #expect((try verdict("x", .pattern(Prefix(text: "refs/")), claims) == nil) == accepted)
    }

    @Test func `a pattern is tried on 1024 bytes and not on more`() throws {
        for (bytes, accepted) in [(1024, true), (1025, false)] {
            let text = String(repeating: "a", count: bytes)
            #expect((try verdict("x", .pattern(Prefix(text: "a")), "\"x\":\"\(text)\"") == nil) == accepted)
        }
    }

    @Test(
        arguments: [
            (#""x":["a"]"#, true), (#""x":["b","a"]"#, true), (#""x":["b"]"#, false), (#""x":[]"#, false),
            (#""x":"a""#, false), (#""x":[["a"]]"#, false), (#""x":{"a":"a"}"#, false), (#""x":"a b""#, false),
        ] as [(String, Bool)])
    func `a list contains the value as an element`(claims: String, accepted: Bool) throws {
        #expect((try verdict("x", .contains([.equals(.string("a"))]), claims) == nil) == accepted)
    }

    @Test func `a list contains every value that is asked for`() throws {
        let rule = ClaimRule.contains([.equals(.string("a")), .oneOf([.string("b"), .string("c")])])
        #expect(try verdict("x", rule, #""x":["c","z","a"]"#) == nil)
        #expect(try verdict("x", rule, #""x":["a"]"#) != nil)
        #expect(try verdict("x", rule, #""x":["b","c"]"#) != nil)
    }

    @Test func `a claim inside another is found by a pointer, and a name with a slash in it by its name`() throws {
        let rule = ClaimRule.contains([.equals(.string("deployer"))])
        #expect(try verdict("/realm_access/roles", rule, #""realm_access":{"roles":["deployer"]}"#) == nil)
        #expect(try verdict("/realm_access/roles", rule, #""/realm_access/roles":["deployer"]"#) != nil)
        #expect(try verdict("https://example.com/roles", rule, #""https://example.com/roles":["deployer"]"#) == nil)
        #expect(throws: JSONError.self) { try ClaimDemand("/a~2", rule) }
    }

    @Test func `the reason names the claim and a wrong type, never the value`() throws {
        let missing = try verdict("x", .equals(.string("hidden")), #""y":1"#)
        #expect(missing?.message == "the token has no claim x")
        let type = try verdict("x", .equals(.integer(3)), #""x":"secretive""#)
        #expect(type?.message == "the token's claim x is a text, asked for is a number")
        let value = try verdict("x", .equals(.string("hidden")), #""x":"secretive""#)
        #expect(value?.message == "the token's claim x is not what is asked for")
    }

    @Test func `two verifiers that ask for something else have another digest`() throws {
        let key = try TestTokens.key()
        let rules: [ClaimRule] = [
            .equals(.string("a")), .equals(.string("b")), .oneOf([.string("a")]), .pattern(Prefix(text: "a")),
            .contains([.equals(.string("a"))]), .equals(.integer(1)), .equals(.string("1")),
        ]
        let digests = try rules.map {
            TokenVerifier(keys: [key], requirements: .init(issuer: "i", claims: [try ClaimDemand("x", $0)])).digest
        }
        #expect(Set(digests).count == rules.count)
        let bound = TokenVerifier(keys: [key], requirements: .init(issuer: "i", bindsBody: true)).digest
        #expect(bound != TokenVerifier(keys: [key], requirements: .init(issuer: "i")).digest)
    }
}
