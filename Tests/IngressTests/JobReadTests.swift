import Authentication
import JSON
import NIOHTTP1
import Settings
import TestSupport
import Testing

@testable import Ingress

@Suite struct JobReadTests {
    private func read(_ jobs: String) throws -> (rule: JobReadRule?, problems: [String]) {
        var rule: JobReadRule?
        do throws(SettingsProblems) {
            let file = try SettingsFile(text: jobs, file: "ingress.yaml")
            rule = JobReadSettings.rule(file.root.mapping("jobs").optional("jobs"), hooks: ["github", "other"])
            try file.finish()
            return (rule, [])
        } catch {
            return (rule, error.problems.map(\.description))
        }
    }

    private static let secret = String(repeating: "s", count: 32)

    private func settings(_ more: String = "") throws -> String {
        let folder = try Self.folder.get()
        return "jobs: {token: {issuer: ci, audience: jobs, secret: {file: \(folder.path)/secret}\(more)}}"
    }

    private static let folder = Result {
        let folder = try TemporaryFolder()
        _ = try folder.write("secret", Self.secret, mode: 0o600)
        return folder
    }

    private func mint(_ claims: String) throws -> String {
        let head = Base64.encodeURL(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8))
        let body = Base64.encodeURL(Array(#"{"iss":"ci","aud":"jobs","exp":4102444800\#(claims)}"#.utf8))
        let mac = try HMACKey(SecretBytes(copying: Self.secret.utf8), hash: .sha256).code(for: Array("\(head).\(body)".utf8))
        return "\(head).\(body).\(Base64.encodeURL(mac))"
    }

    private func reader(_ rule: JobReadRule?, _ headers: [(String, String)]) throws -> JobReader {
        guard let rule else { throw Samples.Missing() }
        return try rule.reader(HTTPHeaders(headers), now: Samples.now / 1000)
    }

    @Test func `without jobs nobody may ask`() throws {
        let (rule, problems) = try read("{}")
        #expect(rule == nil)
        #expect(problems.isEmpty)
    }

    @Test func `everything that is wrong is said at once`() throws {
        let problems = try read("jobs: {token: {hooks: [], keys: {file: /nowhere}}, tokens: 1}").problems.joined(separator: "\n")
        #expect(problems.contains("unknown key"))
        #expect(problems.contains("issuer"))
        #expect(problems.contains("names of hooks"))
        #expect(try read("jobs: {}").problems.joined().contains("`token` is missing"))
        #expect(try read(settings(", hooks: [github, nobody]")).problems.joined().contains("there is no hook \"nobody\""))
        #expect(try read(settings(", forward: true")).problems.joined().contains("unknown key"))
    }

    @Test func `as many hooks as the limit may be named, one more is refused`() throws {
        let names = { (count: Int) in "[" + [String](repeating: "github", count: count).joined(separator: ", ") + "]" }
        #expect(try read(settings(", hooks: \(names(JobReadSettings.maximumHooks))")).problems.isEmpty)
        #expect(try read(settings(", hooks: \(names(JobReadSettings.maximumHooks + 1))")).problems.count == 1)
    }

    @Test func `a token opens all jobs, those of the hooks in the settings, or those its claim names`() throws {
        let bearer = { (claims: String) in [("Authorization", "Bearer \(try self.mint(claims))")] }
        #expect(try reader(read(settings()).rule, bearer("")) == .all)
        #expect(try reader(read(settings(", hooks: github")).rule, bearer("")) == .hooks(["github"]))
        let claimed = try read(settings(", hooks-claim: hooks")).rule
        #expect(try reader(claimed, bearer("")) == .hooks([]))
        #expect(try reader(claimed, bearer(#","hooks":"github""#)) == .hooks(["github"]))
        #expect(try reader(claimed, bearer(#","hooks":["github","else",7]"#)) == .hooks(["github", "else"]))
        #expect(try reader(claimed, bearer(#","hooks":{"github":true}"#)) == .hooks([]))
        let both = try read(settings(", hooks: [other], hooks-claim: hooks")).rule
        #expect(try reader(both, bearer(#","hooks":["github","other"]"#)) == .hooks(["other"]))
    }

    @Test func `a token that is missing, bad or there twice is 401 and says where it belongs`() throws {
        let rule = try read(settings(", header: X-Token")).rule
        let token = try mint("")
        #expect(try reader(rule, [("X-Token", token)]) == .all)
        for headers in [
            [], [("X-Token", "")], [("X-Token", token + "x")], [("X-Token", token), ("X-Token", token)],
            [("Authorization", token)],
        ] {
            let rejection = Rejection.of { try reader(rule, headers) }
            #expect(rejection?.answer.status == .unauthorized)
            #expect(rejection?.answer.header("WWW-Authenticate") != nil)
            #expect(rejection?.detail.contains("X-Token") == true)
            #expect(rejection?.detail.contains(token.split(separator: ".")[2]) == false)
        }
    }

    @Test func `a reader reads jobs of its hooks`() {
        #expect(JobReader.all.mayRead(hook: "anything"))
        #expect(JobReader.hooks(["a"]).mayRead(hook: "a"))
        #expect(!JobReader.hooks(["a"]).mayRead(hook: "b"))
        #expect(!JobReader.hooks([]).mayRead(hook: ""))
    }
}
