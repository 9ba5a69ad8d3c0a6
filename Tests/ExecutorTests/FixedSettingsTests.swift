import Settings
import SettingsReload
import Testing

@testable import Executor

@Suite struct FixedSettingsTests {
    private static let base = """
        ingresses: {edge: {socket: a}}
        admin: {socket: s, operators: [1]}
        journal: {sqlite: j, keep: 30d}
        hosts: {web-1: {address: a}}
        jobs: {deploy: {timeout: 1s}}

        """

    private func fixed(_ text: String) throws -> FixedSettings {
        let file = try SettingsFile(text: text, file: "executor.yaml")
        return ExecutorSettings.fixed(file.root.mapping(ExecutorSettings.keys))
    }

    @Test(arguments: [
        ("timeout: 1s", "timeout: 2s"), ("address: a", "address: b"), ("[1]", "[1, 2], readers: [3]"), ("keep: 30d", "keep: 31d"),
        ("jobs:", "groups: {web: [web-1]}\njobs:"), ("jobs:", "identities: {a: {}}\njobs:"), ("jobs:", "known-hosts: /k\njobs:"),
        ("jobs:", "# jobs\njobs:"),
    ])
    func `jobs, hosts and who may ask may change`(old: String, new: String) throws {
        #expect(try fixed(Self.base.replacing(old, with: new)).differences(from: fixed(Self.base)) == [])
    }

    @Test(arguments: [
        ("socket: a", "socket: b", "ingresses"), ("socket: s", "socket: t", "admin.socket"),
        ("socket: s", "socket: s, mode: \"0660\"", "admin.mode"), ("sqlite: j", "sqlite: k", "journal.sqlite"),
        ("keep: 30d", "keep: 30d, maximum-size: 1MiB", "journal.maximum-size"),
        ("jobs:", "workers: {count: 3}\njobs:", "workers"),
        ("jobs:", "sandbox: {minimum-landlock: 1}\njobs:", "sandbox"), ("jobs:", "key-id: x\njobs:", "key-id"),
        ("jobs:", "signing-key: {file: x}\njobs:", "signing-key"), ("jobs:", "traces: {file: x}\njobs:", "traces"),
    ])
    func `what needs a restart is named`(old: String, new: String, key: String) throws {
        let changed = try fixed(Self.base.replacing(old, with: new))
        #expect(try changed.differences(from: fixed(Self.base)) == [key])
        #expect(try fixed(Self.base).differences(from: changed) == [key])
    }
}
