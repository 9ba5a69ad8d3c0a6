import Authentication
import Settings
import TestSupport
import Testing

@testable import Executor

@Suite struct HostSettingsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private struct Read {
        var identities: [String: IdentityKey] = [:]
        var hosts = HostDirectory(targets: [:], unpinned: [:])
        var problems: [String] = []
    }

    private func read(_ text: String) -> Read {
        var result = Read()
        do throws(SettingsProblems) {
            let file = try SettingsFile(text: text, file: "executor.yaml")
            let root = file.root.mapping("identities", "known-hosts", "hosts")
            result.identities = HostSettings.identities(root.required("identities"))
            let known = HostSettings.knownHosts(root.required("known-hosts"))
            let named = Set(root.required("identities").entries().map(\.name))
            result.hosts = HostSettings.hosts(
                root.required("hosts"), identities: result.identities, named: named, known: known)
            try file.finish()
        } catch {
            result.problems = error.problems.map(\.description)
        }
        return result
    }

    private let hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID33XCfDIjXi+YzbJzMEjXZLX4g026n27nNfkvqmB3GF"

    private func identityFile(_ name: String) throws -> String {
        let pem = try Ed25519PrivateKey.generate().pem()
        return try folder.write(name, unsafe pem.withUnsafeBytes { bytes in unsafe Array(bytes) })
    }

    @Test func `hosts get their identity and the keys that are pinned for their address and port`() throws {
        let key = try identityFile("deploy")
        let known = try folder.write("known_hosts", "10.0.0.11 \(hostKey)\n[10.0.0.12]:2222 \(hostKey)\n")
        let read = read(
            """
            identities: { deploy: { private-key: { file: \(key) } } }
            known-hosts: \(known)
            hosts:
              web-1: { address: 10.0.0.11, user: deploy, identity: deploy }
              web-2: { address: 10.0.0.12, port: 2222, user: root, identity: deploy, connect-timeout: 2s }
            """)
        #expect(read.problems == [])
        let (first, second) = (try read.hosts.target("web-1"), try read.hosts.target("web-2"))
        #expect(first.port == 22)
        #expect(first.user == "deploy")
        #expect(first.hostKeys.count == 1)
        #expect(first.identity === read.identities["deploy"])
        #expect(first.connectTimeout == .seconds(10))
        #expect(second.port == 2222)
        #expect(second.hostKeys == first.hostKeys)
        #expect(second.connectTimeout == .seconds(2))
    }

    @Test func `a host without a pinned key is known and never talked to`() throws {
        let key = try identityFile("deploy")
        let known = try folder.write("known_hosts", "10.0.0.12 \(hostKey)\n10.0.0.13 ssh-rsa AAAAB3NzaC1yc2E=\n")
        let read = read(
            """
            identities: { deploy: { private-key: { file: \(key) } } }
            known-hosts: \(known)
            hosts:
              web-1: { address: 10.0.0.11, user: deploy, identity: deploy }
              web-2: { address: 10.0.0.12, port: 23, user: deploy, identity: deploy }
              web-3: { address: 10.0.0.13, user: deploy, identity: deploy }
            """)
        #expect(read.problems == [])
        for (name, text) in [
            ("web-1", "no pinned key"), ("web-2", "hosts scan 10.0.0.12 --port 23"),
            ("web-3", "only keys of type ssh-rsa pinned"),
        ] {
            let error = #expect(throws: Refusal.self) { try read.hosts.target(name) }
            #expect(error?.reason == .hostKey)
            #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
        }
        let unknown = #expect(throws: Refusal.self) { try read.hosts.target("web-9") }
        #expect(unknown?.reason == .policy)
    }

    @Test func `all problems come at once, each with its line`() throws {
        let key = try folder.write("no-key", "hello\n")
        let known = try folder.write("known_hosts", "web-1 \(hostKey)\n@cert-authority * \(hostKey)\nweb-2\n")
        let read = read(
            """
            identities:
              deploy: { private-key: { file: \(key) } }
              inline: { private-key: "-----BEGIN OPENSSH PRIVATE KEY-----" }
              absent: { private-key: { file: \(folder.path)/absent } }
            known-hosts: \(known)
            hosts:
              web-1: { address: "", port: 0, user: deploy, identity: nobody }
              web-2: { adress: web-2, user: deploy, identity: nobody, connect-timeout: 99ms }
            """)
        let expected = [
            "executor.yaml:2: identities.deploy.private-key: identity deploy: no private key in OpenSSH's or PEM form",
            "executor.yaml:3: identities.inline.private-key: a secret never stands in the settings; write {env: NAME} or {file: path}",
            "executor.yaml:4: identities.absent.private-key: secret file \(folder.path)/absent: ",
            "executor.yaml:5: known-hosts: \(known):2: @cert-authority is not supported: certificates of hosts are not checked; "
                + "pin each host's own key instead: sallyport hosts scan HOST --pin FILE",
            "executor.yaml:5: known-hosts: \(known):3: expected names, a key type and a key in base64",
            "executor.yaml:7: hosts.web-1.address: must not be empty",
            "executor.yaml:7: hosts.web-1.port: expected a whole number from 1 to 65535",
            "executor.yaml:7: hosts.web-1.identity: no identity `nobody` under `identities`",
            "executor.yaml:8: hosts.web-2: `address` is missing",
            "executor.yaml:8: hosts.web-2.adress: unknown key; did you mean `address`?",
            "executor.yaml:8: hosts.web-2.identity: no identity `nobody` under `identities`",
            "executor.yaml:8: hosts.web-2.connect-timeout: expected a time from 100ms to 2m",
        ]
        #expect(read.problems.count == expected.count)
        for (problem, text) in zip(read.problems, expected) { #expect(problem.hasPrefix(text), "\(problem)") }
    }

    @Test func `an identity or host with something wrong is told once, and not where it is named`() throws {
        let read = read(
            """
            identities:
              deploy: { private-key: { file: \(folder.path)/absent } }
            known-hosts: \(try folder.write("known_hosts", "web-1 \(hostKey)\n"))
            hosts:
              web-1: { address: web-1, user: deploy, identity: deploy }
              web-2: { address: web-2, user: deploy, identity: deploy, jump: web-1 }
            """)
        #expect(read.problems.count == 1)
        #expect(read.problems.first?.hasPrefix("executor.yaml:2: identities.deploy.private-key: ") == true)
        #expect(read.hosts.targets.isEmpty)
    }

    @Test func `a known_hosts file that cannot be read is a problem`() throws {
        let key = try identityFile("deploy")
        let read = read(
            """
            identities: { deploy: { private-key: { file: \(key) } } }
            known-hosts: \(folder.path)/absent
            hosts: { web-1: { address: a, user: deploy, identity: deploy } }
            """)
        #expect(
            read.problems == ["executor.yaml:2: known-hosts: \(folder.path)/absent: cannot be opened: No such file or directory"])
    }

    /// Settings with hosts of these names, each with what is added to it.
    private func chain(_ hosts: [(name: String, jump: String?)], pinned: Bool = true) throws -> Read {
        let key = try identityFile("deploy")
        let known = try folder.write("known_hosts", pinned ? "* \(hostKey)\n" : "target \(hostKey)\n")
        let lines = hosts.map { host in
            "  \(host.name): { address: \(host.name), user: u, identity: deploy\(host.jump.map { ", jump: \($0)" } ?? "") }"
        }
        return read(
            "identities: { deploy: { private-key: { file: \(key) } } }\nknown-hosts: \(known)\nhosts:\n"
                + lines.joined(separator: "\n"))
    }

    @Test func `a way of three jump hosts is taken, the first to be connected to first; one of four is too long`() throws {
        let hosts: [(name: String, jump: String?)] = [("target", "c"), ("c", "b"), ("b", "a"), ("a", nil)]
        let read = try chain(hosts)
        #expect(read.problems == [])
        #expect(try read.hosts.target("target").jumps.map(\.name) == ["a", "b", "c"])
        #expect(try read.hosts.target("b").jumps.map(\.name) == ["a"])
        #expect(try read.hosts.target("a").jumps.isEmpty)
        let longer = try chain([("last", "target")] + hosts)
        #expect(
            longer.problems == [
                "executor.yaml:4: hosts.last.jump: 4 jump hosts are on the way there, at most 3 may be: last → target → c → b → a"
            ])
    }

    @Test func `a way that leads in a circle, or to no host, is a problem with its line`() throws {
        let read = try chain([("a", "b"), ("b", "a"), ("c", "c"), ("d", "nobody"), ("e", "f"), ("f", "nobody")])
        #expect(
            read.problems.sorted() == [
                "executor.yaml:4: hosts.a.jump: the way there leads in a circle: a → b → a",
                "executor.yaml:5: hosts.b.jump: the way there leads in a circle: b → a → b",
                "executor.yaml:6: hosts.c.jump: the way there leads in a circle: c → c",
                "executor.yaml:7: hosts.d.jump: no host `nobody` under `hosts`",
                "executor.yaml:9: hosts.f.jump: no host `nobody` under `hosts`",
            ])
    }

    @Test func `a host whose jump host has no pinned key is not talked to`() throws {
        let read = try chain([("target", "bastion"), ("bastion", nil)], pinned: false)
        let error = #expect(throws: Refusal.self) { try read.hosts.target("target") }
        #expect(error?.reason == .hostKey)
        #expect(error?.message.hasPrefix("on the way to host target: host bastion (bastion:22) has no pinned key") == true)
    }

    @Test func `only ports that are dialled are let through the sandbox`() throws {
        let file = try SettingsFile(
            text: "a: { address: a, port: 2200 }\nb: { address: b, port: 2201, jump: a }\n", file: "executor.yaml")
        let hosts = file.root.entries().map { HostSettings.dialled($0.value)?.port }
        #expect(hosts == [2200, nil])
    }
}
