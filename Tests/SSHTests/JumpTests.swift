import Foundation
import Glibc
import ProtocolMessages
import TestSupport
import Testing

@testable import SSH

/// A host behind a jump host: two real sshds, and what can go wrong between them.
@Suite(.serialized)
final class JumpTests {
    private let target: PrivateSSHD
    private let jump: PrivateSSHD
    private let executor: FakeExecutor

    init() throws {
        target = try PrivateSSHD()
        jump = try PrivateSSHD()
        executor = try FakeExecutor(target)
        try allow("restrict,port-forwarding,permitopen=\"127.0.0.1:\(target.port)\"", dropping: false)
    }

    deinit { executor.stop() }

    /// Lets the executor's key log in to the jump host, under these options.
    private func allow(_ options: String, dropping: Bool = true) throws {
        let key = try String(contentsOfFile: target.folder + "/user_ed25519.pub", encoding: .utf8)
        try "\(options) \(key)".write(toFile: jump.folder + "/authorized_keys", atomically: true, encoding: .utf8)
        guard dropping else { return }
        // What was logged in before keeps what it was allowed.
        jump.dropConnections()
        for _ in 0..<300 where jump.connectionCount > 0 { usleep(10_000) }
    }

    private func hop(_ grant: UInt64) throws -> WireHop {
        try .with {
            $0.host = "bastion"
            $0.address = "127.0.0.1"
            $0.port = UInt32(jump.port)
            $0.user = jump.user
            $0.identity = "jump"
            $0.publicKey = .init(try target.publicKey("user_ed25519"))
            $0.hostKeys = [.init(try jump.publicKey("host_ed25519"))]
            $0.grantID = grant
        }
    }

    @discardableResult
    private func lease(
        _ arguments: [String], grant: UInt64, body: [UInt8]? = nil, _ change: (inout WireLease) -> Void = { _ in }
    ) throws -> UInt64 {
        let hop = try hop(grant)
        return try executor.lease(arguments, body: body) {
            $0.jumps = [hop]
            change(&$0)
        }
    }

    @Test func `a command runs behind a jump host whose key may only forward, with one signature a hop`() throws {
        let id = try lease(["sh", "-c", "echo out; exit 3"], grant: 900)
        let result = try executor.result(id)
        #expect(result.outcome == .exited, "\(result.error)")
        #expect(result.exitCode == 3)
        #expect(result.stdout == .init("out\n".utf8))
        #expect(executor.signatureRequests == [900, id])
        // The next one goes over both connections that are there.
        let next = try lease(["true"], grant: 901)
        #expect(try executor.result(next).outcome == .exited)
        #expect(executor.signatureRequests == [900, id])
        #expect(jump.connectionCount == 1)
        #expect(target.connectionCount == 1)
    }

    @Test func `megabytes go through both ways, whole and in order`() throws {
        let body = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let id = try lease(["cat"], grant: 900, body: body) { $0.stdoutLimit = 16 }
        let result = try executor.result(id, within: 30)
        #expect(result.outcome == .exited, "\(result.error)")
        #expect(result.stdoutTotal == 1_000_000)
        #expect(executor.output(id, .stdout) == body)
    }

    @Test func `several users behind one jump host share its connection`() throws {
        let ids = try (0..<3).map { index in try lease(["true"], grant: 900 + UInt64(index)) { $0.identity = "key-\(index)" } }
        for id in ids { #expect(try executor.result(id).outcome == .exited) }
        #expect(jump.connectionCount == 1)
        #expect(executor.signatureRequests.filter { $0 >= 900 }.count == 1)
    }

    @Test func `nobody listens at the jump host: the failure is the jump host's, and says so`() throws {
        jump.stop()
        let result = try executor.result(try lease(["true"], grant: 900))
        #expect(result.outcome == .notStarted)
        #expect(result.reason == .unreachable)
        #expect(result.failedHost == "bastion")
        #expect(
            result.error.contains("host bastion (127.0.0.1:\(jump.port)): tcp connect: Connection refused"), "\(result.error)")
    }

    @Test func `a jump host that hangs takes no longer than the lease's time to connect`() throws {
        executor.beSilent()
        let begun = Monotonic.now()
        let result = try executor.result(try lease(["true"], grant: 900) { $0.connectTimeoutMs = 1_000 })
        #expect(Monotonic.now() - begun < 2_000)
        #expect(result.reason == .unreachable)
        #expect(result.failedHost == "bastion")
        #expect(result.error.contains("host bastion") && result.error.contains("authentication took too long"), "\(result.error)")
    }

    @Test func `a jump host that does not forward is named, with what its authorized_keys must say`() throws {
        for options in ["restrict", "restrict,port-forwarding,permitopen=\"127.0.0.1:1\""] {
            try allow(options)
            let result = try executor.result(try lease(["true"], grant: 900))
            #expect(result.outcome == .notStarted)
            #expect(result.reason == .unreachable)
            #expect(
                result.error.contains("jump host bastion (127.0.0.1:\(jump.port)) does not connect to host web-1"),
                "\(result.error)")
            #expect(result.error.contains("permitopen=\"127.0.0.1:\(target.port)\""))
        }
        try allow("restrict,port-forwarding")
        #expect(try executor.result(try lease(["true"], grant: 901)).outcome == .exited)
    }

    @Test func `a changed key of the host behind the jump host ends the attempt before its user key is used`() throws {
        let id = try lease(["true"], grant: 900) { $0.hostKeys = [.init((try? self.target.publicKey("stranger")) ?? [])] }
        let result = try executor.result(id)
        #expect(result.reason == .hostKey)
        #expect(result.failedHost == "web-1")
        #expect(result.error.contains("web-1"))
        #expect(result.error.contains(try target.fingerprint("host_ed25519")))
        #expect(executor.signatureRequests == [900])
    }

    @Test func `a changed key of the jump host ends the attempt before any key is used`() throws {
        var hop = try hop(900)
        hop.hostKeys = [.init(try target.publicKey("stranger"))]
        let result = try executor.run(["true"]) { $0.jumps = [hop] }
        #expect(result.reason == .hostKey)
        #expect(result.failedHost == "bastion")
        #expect(executor.signatureRequests.isEmpty)
    }

    @Test func `a jump host that goes away while a command runs leaves its outcome unknown, and is named`() throws {
        let id = try lease(["sh", "-c", "echo begun; sleep 60"], grant: 900)
        let group = pid_t(try executor.started(id))
        jump.dropConnections()
        let result = try executor.result(id)
        #expect(result.outcome == .unknown)
        #expect(result.error.contains("bastion") || result.error.contains("127.0.0.1:\(jump.port)"), "\(result.error)")
        for _ in 0..<300 where !LocalShell.processes({ $0.group == group }).isEmpty { usleep(10_000) }
        #expect(LocalShell.processes { $0.group == group }.isEmpty)
        // The way is made anew.
        #expect(try executor.result(try lease(["true"], grant: 901)).outcome == .exited)
    }

    @Test func `a host that goes away behind its jump host leaves the outcome unknown at once`() throws {
        let id = try lease(["sh", "-c", "echo begun; sleep 60"], grant: 900)
        try executor.started(id)
        target.dropConnections()
        let result = try executor.result(id, within: 10)
        #expect(result.outcome == .unknown)
        #expect(jump.connectionCount == 1)
    }

    @Test func `a host behind the jump host that does not answer holds up nobody else there`() throws {
        let silent = try SilentPort()
        try allow(
            "restrict,port-forwarding,permitopen=\"127.0.0.1:\(target.port)\",permitopen=\"127.0.0.1:\(silent.port)\"",
            dropping: false)
        let stuck = try lease(["true"], grant: 900) {
            $0.host = "silent"
            $0.port = UInt32(silent.port)
            $0.connectTimeoutMs = 8_000
        }
        usleep(500_000)
        let begun = Date()
        #expect(try executor.result(try lease(["true"], grant: 901), within: 6).outcome == .exited)
        #expect(Date().timeIntervalSince(begun) < 6)
        let result = try executor.result(stuck, within: 12)
        #expect(result.outcome == .notStarted)
        #expect(result.reason == .unreachable)
    }

    @Test func `a cancel while the jump host is logged in to has nothing to end, and others get through`() throws {
        executor.beSilent()
        let id = try lease(["true"], grant: 900)
        try executor.awaitSignatureRequests(1)
        try executor.cancel(id)
        #expect(try executor.result(id).reason == .cancelled)
        executor.beSilent(false)
        #expect(try executor.result(try lease(["true"], grant: 901)).outcome == .exited)
    }

    @Test func `two jump hosts, one behind the other`() throws {
        let first = try PrivateSSHD()
        let key = try String(contentsOfFile: target.folder + "/user_ed25519.pub", encoding: .utf8)
        try key.write(toFile: first.folder + "/authorized_keys", atomically: true, encoding: .utf8)
        var outer = try hop(901)
        outer.host = "edge"
        outer.port = UInt32(first.port)
        outer.hostKeys = [.init(try first.publicKey("host_ed25519"))]
        let inner = try hop(902)
        let id = try executor.lease(["sh", "-c", "exit 4"]) { $0.jumps = [outer, inner] }
        let result = try executor.result(id)
        #expect(result.exitCode == 4, "\(result.error)")
        #expect(executor.signatureRequests == [901, 902, id])
    }
}
