import Authentication
import Foundation
import Settings
import TestSupport
import Testing

@testable import Executor

/// Where the settings may say that keys are.
@Suite struct IdentitySettingsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func read(_ text: String) -> (identities: [String: IdentityKey], problems: [String]) {
        do throws(SettingsProblems) {
            let file = try SettingsFile(text: text, file: "executor.yaml")
            let identities = HostSettings.identities(file.root.mapping("identities").required("identities"))
            try file.finish()
            return (identities, [])
        } catch {
            return ([:], error.problems.map(\.description))
        }
    }

    private func read(identity: String) -> (identities: [String: IdentityKey], problems: [String]) {
        read("identities: { deploy: { \(identity) } }")
    }

    /// A key of that type; its file.
    private func key(_ type: String, _ name: String = "key") throws -> String {
        let file = "\(folder.path)/\(name)"
        let bits = type == "ecdsa" ? ["-b", "384"] : []
        #expect(try Command.run("/usr/bin/ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "c", "-f", file] + bits).code == 0)
        return file
    }

    /// Signs the key with a CA of its own; the certificate's file.
    private func certificate(_ key: String, _ options: [String]) throws -> String {
        let authority = "\(folder.path)/ca"
        if !FileManager.default.fileExists(atPath: authority) { _ = try self.key("ed25519", "ca") }
        let made = try Command.run("/usr/bin/ssh-keygen", ["-q", "-s", authority, "-I", "deploy-7"] + options + [key + ".pub"])
        #expect(made.code == 0, "\(made.errors)")
        return key + "-cert.pub"
    }

    @Test(arguments: ["ed25519", "ecdsa"])
    func `an agent's key is known by its public half, in the settings or in a file`(type: String) throws {
        let file = try key(type)
        let line = try String(contentsOfFile: file + ".pub", encoding: .utf8).trimmingCharacters(in: .newlines)
        for half in ["\"\(line)\"", "{ file: \(file).pub }"] {
            let read = read(identity: "agent: { socket: /run/a.sock, public-key: \(half), timeout: 30s }")
            #expect(read.problems == [])
            let identity = try #require(read.identities["deploy"])
            #expect(identity.agent?.socket == "/run/a.sock")
            #expect(identity.agent?.timeout == .seconds(30))
            #expect(identity.authorizedKeysLine(comment: "c") == line)
            #expect(throws: AuthenticationError.self) { try identity.sign([1]) }
        }
    }

    @Test func `what cannot be a key's place is refused with the next step`() throws {
        let ed = try key("ed25519")
        let rsa = try key("rsa", "rsa")
        let line = try String(contentsOfFile: ed + ".pub", encoding: .utf8).trimmingCharacters(in: .newlines)
        for (identity, text) in [
            ("private-key: { file: \(ed) }, agent: { socket: /a, public-key: \"\(line)\" }", "either `private-key` or `agent`"),
            ("certificate: { file: \(ed).pub }", "either `private-key` or `agent`"),
            ("agent: { public-key: \"\(line)\" }", "`socket` is missing"), ("agent: { socket: /a }", "`public-key` is missing"),
            ("agent: { socket: /a, public-key: \"ssh-ed25519 AAAA\" }", "no public key"),
            ("agent: { socket: /a, public-key: ssh-ed25519 }", "expected one line"),
            ("agent: { socket: /a, public-key: { file: \(rsa).pub } }", "ssh-keygen -t ecdsa"),
            ("agent: { socket: /a, public-key: { file: /absent } }", "/absent"),
            ("agent: { socket: /\(String(repeating: "a", count: 107)), public-key: \"\(line)\" }", "limit is 107"),
            ("agent: { socket: /a, public-key: \"\(line)\", timeout: 121s }", "100ms to 2m"),
            ("private-key: { file: \(ed) }, certificate: { file: \(ed).pub }", "no certificate"),
            ("private-key: { file: \(ed) }, certificate: \"\(line)\"", "write {file: path}"),
        ] {
            let problems = read(identity: identity).problems
            #expect(problems.contains { $0.contains(text) }, "\(identity): \(problems)")
        }
    }

    @Test func `an ECDSA certificate is shown to hosts in place of the key, and said in words`() throws {
        let file = try key("ecdsa")
        let certificate = try certificate(file, ["-n", "deploy,root", "-V", "20250101000000Z:20260102030405Z"])
        let read = read(identity: "private-key: { file: \(file) }, certificate: { file: \(certificate) }")
        #expect(read.problems == [])
        let identity = try #require(read.identities["deploy"])
        #expect(identity.algorithm == "ecdsa-sha2-nistp384-cert-v01@openssh.com")
        #expect(identity.publicKey.algorithm == "ecdsa-sha2-nistp384")
        #expect(identity.certificate?.principals == ["deploy", "root"])
        #expect(identity.certificate?.keyID == "deploy-7")
        let (before, at) = (Int64(1_767_323_044), Int64(1_767_323_045))
        #expect(identity.certificate?.problem(of: "deploy", now: before) == nil)
        #expect(
            identity.certificate?.problem(of: "deploy", now: at)?
                .hasPrefix("the certificate of identity deploy expired at 2026-01-02T03:04:05Z; have the key signed again")
                == true)
        #expect(identity.certificate?.problem(of: "deploy", now: 0)?.contains("not valid before 2025-01-01T00:00:00Z") == true)
        // The executor signs for it, and for nothing that shows another key.
        let blob = AuthenticationBlob(identity)
        #expect(throws: Never.self) { try UserAuthenticationRequest(blob.bytes, user: "deploy", identity: identity) }
        var other = blob
        other.key[60] ^= 1
        #expect(throws: SignerError.self) { try UserAuthenticationRequest(other.bytes, user: "deploy", identity: identity) }
        #expect(try UserAuthenticationRequest(blob.bytes, user: "deploy", identity: identity).sessionID == blob.session)
    }

    @Test func `check warns of a certificate that hosts will not take`() throws {
        let file = try key("ecdsa")
        let certificate = try certificate(
            file, ["-n", "other", "-V", "20250101000000Z:20260102030405Z", "-O", "force-command=/bin/a"])
        let identity = try #require(
            read(identity: "private-key: { file: \(file) }, certificate: { file: \(certificate) }").identities["deploy"])
        let target = HostDirectory.Target(
            address: "a", port: 22, user: "deploy", identityName: "deploy", identity: identity, hostKeys: [],
            connectTimeout: .seconds(10))
        let hosts = HostDirectory(targets: ["web-1": target], unpinned: [:], identities: ["deploy": identity])
        func text(_ now: Int64) -> String { IdentityWords(hosts: hosts, now: now).lines.joined(separator: "\n") }
        #expect(text(1_767_323_045).contains("warning: the certificate of identity deploy expired at 2026-01-02T03:04:05Z"))
        #expect(text(1_767_323_044).contains("warning: the certificate of identity deploy expires at 2026-01-02T03:04:05Z"))
        #expect(!text(1_750_000_000).contains("expires at"))
        #expect(text(1_750_000_000).contains("web-1 is logged in to as deploy, which is no principal"))
        #expect(text(1_750_000_000).contains("has force-command"))
    }

    @Test func `other certificates are refused with the reason`() throws {
        let (ecdsa, other, ed) = (try key("ecdsa"), try key("ecdsa", "other"), try key("ed25519", "ed"))
        for (key, certificate, text) in [
            (ed, try certificate(ed, ["-n", "a"]), "only ECDSA ones can be used: make a key with ssh-keygen -t ecdsa"),
            (ecdsa, try certificate(other, ["-n", "a"]), "it is for the key SHA256:"),
            (ecdsa, try certificate(ecdsa, ["-h", "-n", "a"]), "a host's certificate"),
        ] {
            let problems = read(identity: "private-key: { file: \(key) }, certificate: { file: \(certificate) }").problems
            #expect(problems.count == 1 && problems[0].contains(text), "\(problems)")
        }
    }

    @Test func `a certificate that is cut off or has a byte changed in its numbers of fields is none`() throws {
        let file = try key("ecdsa")
        let path = try certificate(file, ["-n", "deploy"])
        let words = try String(contentsOfFile: path, encoding: .utf8).split(separator: " ")
        let blob = try #require(Data(base64Encoded: String(words[1])))
        let key = try IdentityKey(.read(file: file), origin: "test").publicKey.blob
        func isOne(_ bytes: Data) -> Bool {
            (try? SSHCertificate(line: "\(words[0]) \(bytes.base64EncodedString())", key: key, origin: "test")) != nil
        }
        #expect(isOne(blob))
        for length in stride(from: 0, to: blob.count, by: 7) { #expect(!isOne(blob.prefix(length)), "\(length)") }
        #expect(!isOne(blob + [0]))
        let long = blob + Data(count: SSHPublicKey.maximumBlob)
        #expect(!isOne(long))
    }
}
