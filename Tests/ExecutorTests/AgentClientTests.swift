import Authentication
import Foundation
import NIOPosix
import TestSupport
import Testing

@testable import Executor

/// An ssh-agent is asked as if it were hostile: with the real one, and with one that is.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct AgentClientTests {
    private let folder: TemporaryFolder
    private let client = AgentClient(group: MultiThreadedEventLoopGroup.singleton)
    private let key: IdentityKey
    private let data: [UInt8] = Array("to be signed".utf8)

    init() throws {
        folder = try TemporaryFolder()
        key = try Samples.curveIdentity()
    }

    private func place(_ socket: String, _ timeout: Duration = .seconds(5)) -> SSHAgentPlace {
        SSHAgentPlace(socket: socket, timeout: timeout)
    }

    private func refusal(
        _ socket: String, timeout: Duration = .seconds(5), client: AgentClient? = nil
    ) async -> String {
        do throws(AgentError) {
            _ = try await (client ?? self.client).sign(data, with: key.publicKey, at: place(socket, timeout))
            return "signed"
        } catch {
            return error.description
        }
    }

    private func answering(_ answer: @escaping @Sendable ([UInt8]) -> [UInt8]?) async throws -> String {
        let agent = try HostileAgent(in: folder, answer)
        let text = await refusal(agent.socket)
        if text != "signed" { #expect(text.hasPrefix("ssh-agent at \(agent.socket): ")) }
        return text
    }

    private func signature(_ key: IdentityKey, _ data: [UInt8]) throws -> [UInt8] {
        var inner = SSHWriter()
        inner.string(key.publicKey.algorithm.utf8)
        inner.string(try key.sign(data))
        var outer = SSHWriter()
        outer.string(inner.bytes)
        return [14] + outer.bytes
    }

    @Test func `an honest answer is the signature`() async throws {
        let good = HostileAgent.framed(try signature(key, data))
        #expect(try await answering { _ in good } == "signed")
    }

    @Test func `a signature of another key, of another message or with a byte more is not passed on`() async throws {
        let other = try IdentityKey(Ed25519PrivateKey.generate().pem(), origin: "test")
        for answer in [try signature(other, data), try signature(key, data + [0])] {
            let frame = HostileAgent.framed(answer)
            #expect(try await answering { _ in frame }.contains("is no signature of \(key.fingerprint)"))
        }
        let longer = HostileAgent.framed(try signature(key, data) + [0])
        #expect(try await answering { _ in longer }.contains("no signature"))
    }

    @Test func `a length above the limit is refused before anything of it is there, one at the limit is read`() async throws {
        let limit = SSHAgentMessage.maximumAnswer
        let above = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: (limit + 1) >> $0) }
        #expect(try await answering { _ in above }.contains("answer of \(limit + 1) bytes, the limit is \(limit)"))
        #expect(try await answering { _ in [0xff, 0xff, 0xff, 0xff] }.contains("answer of 4294967295 bytes"))
        #expect(try await answering { _ in [0, 0, 0, 0] }.contains("answer of 0 bytes"))
        let whole = HostileAgent.framed([14] + [UInt8](repeating: 0, count: limit - 1))
        #expect(try await answering { _ in whole }.contains("its answer is no signature"))
    }

    @Test func `an agent that never answers, or only begins to, is waited for as long as the settings say`() async throws {
        for bytes in [[], [0, 0, 0], [0, 0, 0, 9, 14]] as [[UInt8]] {
            let agent = try HostileAgent(in: folder) { _ in bytes }
            let begun = ContinuousClock.now
            let text = await refusal(agent.socket, timeout: .milliseconds(300))
            #expect(text.contains("did not answer within 300ms") && text.contains("`timeout`"), "\(text)")
            #expect(ContinuousClock.now - begun < .seconds(120))
        }
    }

    @Test func `one that closes, answers something else, says more than asked or declines is told apart`() async throws {
        #expect(try await answering { _ in nil }.contains("closed the connection without an answer"))
        #expect(try await answering { _ in HostileAgent.framed([12, 0, 0, 0, 0]) }.contains("its answer is no signature"))
        #expect(try await answering { _ in HostileAgent.framed([5]) + [0] }.contains("says more than it was asked"))
        #expect(try await answering { _ in HostileAgent.framed([5]) }.contains("declines to sign with \(key.fingerprint)"))
    }

    @Test func `without a socket, or with nobody behind it, the text says what to start`() async throws {
        #expect(
            await refusal("\(folder.path)/absent").contains("no socket; start the agent (ssh-agent -a \(folder.path)/absent)"))
        let gone = try { try HostileAgent(in: folder) { _ in nil }.socket }()
        #expect(await refusal(gone).contains("nobody listens"))
    }

    @Test func `another user's agent is not asked`() async throws {
        let agent = try HostileAgent(in: folder) { _ in [] }
        let text = await refusal(
            agent.socket, client: AgentClient(group: MultiThreadedEventLoopGroup.singleton, allowed: [12_345]))
        #expect(text.contains("another user's process") && text.contains("12345"))
    }

    @Test func `so many questions wait and no more`() async throws {
        let agent = try HostileAgent(in: folder) { _ in [] }
        let socket = agent.socket
        let texts = await withTaskGroup(of: String.self) { group in
            for _ in 0...AgentClient.maximumWaiting { group.addTask { await refusal(socket, timeout: .seconds(1)) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(texts.count { $0.contains("wait for their answer already") } == 1)
        #expect(await refusal("\(folder.path)/absent").contains("no socket"), "all places are given back")
    }

    @Test(arguments: ["ed25519", "ecdsa"])
    func `OpenSSH's agent signs, lists its keys, and declines while it is locked`(type: String) async throws {
        let file = "\(folder.path)/key"
        try Command.run("/usr/bin/ssh-keygen", ["-q", "-t", type, "-N", "", "-f", file])
        let socket = "\(folder.path)/agent.sock"
        let agent = Daemon("/usr/bin/ssh-agent", ["-D", "-a", socket], log: URL(filePath: "\(folder.path)/agent.log"))
        try agent.start()
        defer { agent.stop() }
        #expect(eventually { FileManager.default.fileExists(atPath: socket) })
        let publicKey = try SSHPublicKey(line: String(contentsOfFile: file + ".pub", encoding: .utf8), origin: "test")
        let place = place(socket)
        #expect(try client.keys(at: place) == [])
        let environment = ["SSH_AUTH_SOCK": socket]
        #expect(try Command.run("/usr/bin/ssh-add", ["-q", file], environment: environment).code == 0)
        #expect(try client.keys(at: place) == [publicKey.blob])
        // Until the first byte of an ECDSA number needs a zero in front, and until it does not.
        for count in 0..<16 {
            #expect(try await !client.sign(data + [UInt8(count)], with: publicKey, at: place).isEmpty)
        }
        let ask = try folder.write("ask", "#!/bin/sh\necho word\n", mode: 0o700)
        let locking = environment.merging(["SSH_ASKPASS": ask, "SSH_ASKPASS_REQUIRE": "force"]) { $1 }
        #expect(try Command.run("/usr/bin/ssh-add", ["-x"], environment: locking).code == 0)
        let locked = await #expect(throws: AgentError.self) { try await client.sign(data, with: publicKey, at: place) }
        #expect(locked?.description.contains("locked (ssh-add -X)") == true)
    }
}
