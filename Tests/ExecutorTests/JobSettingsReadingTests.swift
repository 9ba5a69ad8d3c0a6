import Settings
import TestSupport
import Testing

@testable import Executor

@Suite struct JobSettingsReadingTests {
    private func problems(_ job: String) throws -> [String] {
        do throws(SettingsProblems) {
            let file = try SettingsFile(text: "deploy: {\(job)}", file: "executor.yaml")
            _ = JobSettings.policy(
                file.root, hosts: (try? Samples.hosts()) ?? .init(targets: [:], unpinned: [:]), ingresses: ["edge"])
            try file.finish()
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func `a problem is told once`() throws {
        #expect(try problems("destinations: [web-1], timeout: 1s") == ["executor.yaml:1: deploy: `command` is missing"])
        let list = "command: [/bin/a], destinations: [web-1], timeout: 1s, ingresses: [[edge]]"
        #expect(try problems(list) == ["executor.yaml:1: deploy.ingresses.1: expected a text, found a list"])
    }

    @Test func `a parameter whose pattern is bad is no unknown parameter`() throws {
        let found = try problems(
            "command: [/bin/a, '{x}'], destinations: [web-1], timeout: 1s, parameters: {x: {pattern: '['}}")
        #expect(found.count == 1)
    }

    @Test(arguments: [("A", true), ("a_B2", true), ("_A", true), ("MY-VAR", false), ("A.B", false), ("1A", false)])
    func `a variable of the environment has a name that the worker can set`(name: String, isGood: Bool) throws {
        let found = try problems("command: [/bin/a], destinations: [web-1], timeout: 1s, environment: {\(name): x}")
        #expect(found.isEmpty == isGood)
    }

    @Test func `a default is within the parameter's own limit`() throws {
        let found = try problems(
            """
            command: [/bin/a, '{x}'], destinations: [web-1], timeout: 1s,
            parameters: {x: {pattern: 'a*', default: aaaa, maximum-length: 3}}
            """)
        #expect(!found.isEmpty)
    }

    @Test func `a program is not empty, and some exit code is success`() throws {
        #expect(try !problems("command: [''], destinations: [web-1], timeout: 1s").isEmpty)
        #expect(try !problems("command: [/bin/a], destinations: [web-1], timeout: 1s, success-exit-codes: []").isEmpty)
    }

    @Test func `policies that differ in who may ask, or in what must be said, have other digests`() throws {
        func digest(_ more: String) throws -> String {
            try Samples.policy("deploy: {command: [/bin/a, '{x}'], destinations: [web-1], timeout: 1s, \(more)}").digest
        }
        let base = try digest("parameters: {x: {pattern: 'a*'}}")
        #expect(try digest("parameters: {x: {pattern: 'a*', default: ''}}") != base)
        #expect(try digest("parameters: {x: {pattern: 'a*'}}, ingresses: [inner]") != base)
        #expect(try digest("parameters: {x: {pattern: 'a*'}}, success-exit-codes: [0, 1]") != base)
        let folder = try TemporaryFolder()
        let secret = try folder.write("secret", String(repeating: "s", count: 64))
        let token = "token: {issuer: ci, secret: {file: \(secret)}}"
        #expect(try digest("parameters: {x: {pattern: 'a*'}}, \(token)") != base)
    }
}
