import Authentication
import Settings
import TestSupport
import Testing

@testable import Ingress

@Suite struct HookTokenSettingsTests {
    private let folder: TemporaryFolder
    private let file: String

    init() throws {
        folder = try TemporaryFolder()
        file = try folder.write("jwks.json", Ed25519PrivateKey.generate().publicKey.jwks(keyID: "ci"))
    }

    private func read(_ token: String, hook: String = "") throws -> (hook: Hook?, problems: [String]) {
        let text = "github: {verify: none, job: deploy, token: {issuer: ci, keys: {file: \(file)}\(token)}\(hook)}"
        let source = try SettingsFile(text: text, file: "ingress.yaml")
        let hook = source.root.entries().first.flatMap { HookSettings.hook($0.name, $0.value) }
        do throws(SettingsProblems) {
            try source.finish()
            return (hook, [])
        } catch {
            return (hook, error.problems.map(\.message))
        }
    }

    @Test func `a token is looked for in a header of our own unless something is said`() throws {
        let token = try #require(try read("").hook?.token)
        #expect(token.places.map(\.description) == ["header X-Sallyport-Token"])
        #expect(!token.once)
        #expect(!token.forward)
        #expect(token.summary == "a valid token in header X-Sallyport-Token of ci")
    }

    @Test func `every place is read, and said in words`() throws {
        let (hook, problems) = try read(", header: X-T, authorization: bearer, payload: /a/b, once: true, forward: true")
        #expect(problems == [])
        let token = try #require(hook?.token)
        #expect(token.once)
        #expect(token.forward)
        #expect(
            token.summary
                == "a valid token in header X-T or header Authorization or the payload at /a/b of ci for one delivery each")
        #expect(try read(", binds-body: true").hook?.token?.summary.hasSuffix(" of ci bound to the body") == true)
    }

    @Test(arguments: [
        (", header: Authorization", "", "authorization: bearer"), (", header: \"a b\"", "", "not a header's name"),
        (", authorization: basic", "", "expected one of bearer"), (", payload: token", "", "begins with `/`"),
        (", payload: /t, binds-body: true", "", "cannot hold the body's digest"),
        (", payload: /t", ", body: true", "standard input"), (", once: maybe", "", "expected true or false"),
        (", place: header", "", "unknown key"),
    ])
    func `a token that would not be found, or not be checked as meant, is a problem`(token: String, hook: String, message: String)
        throws
    {
        let problems = try read(token, hook: hook).problems
        #expect(problems.contains { $0.contains(message) }, "\(problems)")
    }
}
