import Glibc
import ProtocolMessages
import TestSupport
import Testing

@testable import SSH

/// Hosts that have names, and the worker's own program, sealed, with an /etc that can be changed under it.
@Suite(.serialized, .enabled(if: geteuid() == 0, "an /etc of its own is for root"))
final class WorkerNameTests {
    private let sshd: PrivateSSHD
    private let names: PrivateNames
    private let executor: FakeExecutor

    init() throws {
        sshd = try PrivateSSHD()
        names = try PrivateNames(hosts: "127.0.0.1 good.test\n")
        executor = try FakeExecutor(sshd, program: names.worker())
    }

    deinit { executor.stop() }

    @Test func `names that no server answers for hold up neither other names nor addresses`() throws {
        let dead = try (0..<NameLookup.threads - 1).map { index in
            try executor.lease(["true"]) {
                $0.address = "dead-\(index).test"
                $0.connectTimeoutMs = 2_000
            }
        }
        usleep(200_000)
        let begun = Monotonic.now()
        #expect(try executor.run(["true"]) { $0.address = "good.test" }.outcome == .exited)
        #expect(try executor.run(["true"]).outcome == .exited)
        #expect(Monotonic.now() - begun < 1_500)
        #expect(names.questions > 0)
        for id in dead {
            let result = try executor.result(id)
            #expect(result.outcome == .notStarted)
            #expect(result.reason == .unreachable)
            #expect(
                result.error.contains("the lookup of the name took too long: no name server has answered in time"),
                "\(result.error)")
        }
    }

    @Test func `when every lookup is held up a name waits its own time and says why, and addresses are connected to`() throws {
        let dead = try (0..<NameLookup.threads).map { index in
            try executor.lease(["true"]) { $0.address = "dead-\(index).test" }
        }
        usleep(200_000)
        let waiting = try executor.lease(["true"]) {
            $0.address = "good.test"
            $0.connectTimeoutMs = 1_000
        }
        #expect(try executor.run(["true"]).outcome == .exited)
        let result = try executor.result(waiting, within: 2)
        #expect(result.reason == .unreachable)
        #expect(
            result.error.contains("all lookups are held up by other names (dead-0.test, dead-1.test, dead-2.test, …); look at"),
            "\(result.error)")
        for id in dead { #expect(try executor.result(id).outcome == .notStarted) }
    }

    @Test func `a name that is not there says so, and a name with two addresses is tried at both`() throws {
        try names.replace("resolv.conf", "options timeout:1\n")
        // Nobody listens at the first.
        try names.replace("hosts", "127.0.0.78 both.test\n127.0.0.1 both.test\n")
        let fresh = try FakeExecutor(sshd, program: names.worker())
        defer { fresh.stop() }
        #expect(try fresh.run(["true"]) { $0.address = "both.test" }.outcome == .exited)
        let result = try fresh.run(["true"]) { $0.address = "nobody.invalid." }
        #expect(result.reason == .unreachable)
        #expect(result.error.contains("does not resolve"), "\(result.error)")
    }

    @Test func `a worker whose /etc/hosts is replaced gives names back, serves the rest and ends when it is told to`() throws {
        let running = try executor.lease(["sh", "-c", "sleep 2; exit 7"]) { $0.address = "good.test" }
        try executor.started(running)
        try names.replace("hosts", "127.0.0.1 new.test\n127.0.0.1 good.test\n")
        let back = try executor.run(["true"]) { $0.address = "new.test" }
        #expect(back.givenBack, "\(back.error)")
        #expect(back.outcome == .notStarted)
        try executor.awaitRetiring()
        // What needs no name goes on, as does a connection that is there.
        #expect(try executor.run(["true"]).outcome == .exited)
        #expect(try executor.run(["true"]) { $0.address = "good.test" }.outcome == .exited)
        #expect(try executor.result(running).exitCode == 7)
        // One that starts now sees it.
        let fresh = try FakeExecutor(sshd, program: names.worker())
        defer { fresh.stop() }
        #expect(try fresh.run(["true"]) { $0.address = "new.test" }.outcome == .exited)
    }

    @Test func `a worker without leases notices too, and a question that the old server never answers is given back`() throws {
        let waiting = try executor.lease(["true"]) {
            $0.address = "dead.test"
            $0.connectTimeoutMs = 2_000
        }
        usleep(200_000)
        try names.replace("resolv.conf", "nameserver 127.0.0.78\n")
        try executor.awaitRetiring()
        #expect(try executor.result(waiting).givenBack)
    }
}
