import Glibc
import ProtocolMessages
import TestSupport
import Testing

@testable import SSH

/// The worker against a real sshd, driven by an executor of the test's own.
@Suite(.serialized)
final class WorkerTests {
    private let sshd: PrivateSSHD
    private let executor: FakeExecutor

    init() throws {
        sshd = try PrivateSSHD()
        executor = try FakeExecutor(sshd)
    }

    deinit { executor.stop() }

    @Test func `a command runs: the stages come in order, both streams come while it runs and in the result`() throws {
        let id = try executor.lease(["sh", "-c", "echo out; echo err >&2; exit 3"])
        let result = try executor.result(id)
        #expect(result.outcome == .exited)
        #expect(result.exitCode == 3)
        #expect(result.stdout == .init("out\n".utf8))
        #expect(result.stderr == .init("err\n".utf8))
        #expect(result.stdoutTotal == 4)
        #expect(executor.stages(id) == [.connected, .starting, .started])
        #expect(executor.output(id, .stdout) == Array("out\n".utf8))
        #expect(executor.output(id, .stderr) == Array("err\n".utf8))
        #expect(executor.signatureRequests == [id])
        #expect(try executor.workerHello().processID == UInt32(getpid()))
    }

    @Test func `the executor is told how many connections there are, when that changes`() throws {
        #expect(try executor.run(["true"]).outcome == .exited)
        #expect(try executor.run(["true"]).outcome == .exited)
        let told = try executor.connections { $0.open == 1 }
        #expect(told.map { [$0.beingMade, $0.open] } == [[1, 0], [0, 1]])
        sshd.dropConnections()
        #expect(try executor.connections { $0.open == 0 && $0.beingMade == 0 }.count == 3)
    }

    @Test func `arguments, environment and body arrive as they were given`() throws {
        let body = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        let id = try executor.lease(["sh", "-c", "printf %s \"$1$A\" >&2; cat", "x", "it's $(id)\n"], body: body) {
            $0.environment = ["A=b 'c'"]
            $0.stdoutLimit = 16
        }
        let result = try executor.result(id)
        #expect(result.exitCode == 0)
        #expect(String(decoding: result.stderr, as: UTF8.self) == "it's $(id)\nb 'c'")
        #expect(executor.output(id, .stdout) == body)
        #expect(result.stdoutTotal == 200_000)
    }

    @Test func `an ECDSA key signs too`() throws {
        executor.use(key: "user_ecdsa")
        #expect(try executor.run(["true"]).outcome == .exited)
    }

    @Test func `output of ten million bytes is bounded, counted and drained`() throws {
        let result = try executor.run(["sh", "-c", "echo first; head -c 10000000 /dev/zero; echo last"])
        #expect(result.outcome == .exited)
        #expect(result.stdoutTotal == 10_000_011)
        #expect(result.stdout.count <= 4096)
        #expect(result.stdout.starts(with: "first\n".utf8))
        #expect(result.stdout.suffix(5) == .init("last\n".utf8))
        #expect(String(decoding: result.stdout, as: UTF8.self).contains("bytes cut …]"))
    }

    @Test func `limits beyond a frame are held to what fits into one`() throws {
        let result = try executor.run(["sh", "-c", "head -c 100000 /dev/zero; head -c 100000 /dev/zero >&2"]) {
            $0.stdoutLimit = .max
            $0.stderrLimit = .max
        }
        #expect(result.outcome == .exited)
        #expect(result.stdout.count + result.stderr.count <= LeaseRun.maximumOutput)
    }

    @Test func `a timeout ends the command and its children on the host, and the host is asked`() throws {
        let id = try executor.lease(["sh", "-c", "trap \"\" TERM; sleep 60 & while :; do sleep 1; done"]) { $0.timeoutMs = 400 }
        let group = try executor.started(id)
        let result = try executor.result(id)
        #expect(result.outcome == .timedOut)
        #expect(result.reason == .timeout)
        #expect(result.groupGone)
        #expect(LocalShell.processes { $0.group == pid_t(group) }.isEmpty)
    }

    @Test func `a child that outlives its parent's timeout by ignoring TERM is ended too`() throws {
        let id = try executor.lease(["bash", "-c", "(trap \"\" TERM; exec sleep 60) & sleep 60"]) { $0.timeoutMs = 400 }
        let group = try executor.started(id)
        let result = try executor.result(id)
        #expect(result.outcome == .timedOut)
        #expect(result.groupGone)
        #expect(LocalShell.processes { $0.group == pid_t(group) }.isEmpty)
    }

    @Test func `an exit code that looks like a timeout's is an exit code before the time is over`() throws {
        let result = try executor.run(["sh", "-c", "exit 124"])
        #expect(result.outcome == .exited)
        #expect(result.exitCode == 124)
    }

    @Test func `a cancel ends the command on the host`() throws {
        let id = try executor.lease(["sh", "-c", "sleep 60 & sleep 60"])
        let group = try executor.started(id)
        try executor.cancel(id)
        let result = try executor.result(id)
        #expect(result.outcome == .cancelled)
        #expect(result.groupGone)
        #expect(LocalShell.processes { $0.group == pid_t(group) }.isEmpty)
        #expect(try executor.run(["true"]).outcome == .exited)
        #expect(executor.signatureRequests == [id])
    }

    @Test func `a cancel ends a command that waits for its lock, and it does not begin when that is free`() throws {
        let first = try executor.lease(["sleep", "4"]) { ($0.lock, $0.graceMs) = ("cancel-1", 300) }
        try executor.started(first)
        let id = try executor.lease(["sleep", "1"]) { ($0.lock, $0.graceMs) = ("cancel-1", 300) }
        while !executor.stages(id).contains(.starting) { usleep(10_000) }
        // It is on its way to the host.
        usleep(500_000)
        try executor.cancel(id)
        let result = try executor.result(id)
        #expect(result.outcome == .cancelled, "\(result.error)")
        #expect(result.groupGone)
        #expect(try executor.result(first).exitCode == 0)
        #expect(executor.stages(id) == [.connected, .starting])
        #expect(try executor.run(["true"], { $0.lock = "cancel-1" }).exitCode == 0)
    }

    @Test func `a cancel while the connection is made has nothing to end, and the next lease makes its own`() throws {
        executor.beSilent()
        let id = try executor.lease(["true"])
        try executor.awaitSignatureRequests(1)
        try executor.cancel(id)
        let result = try executor.result(id)
        #expect(result.outcome == .notStarted)
        #expect(result.reason == .cancelled)
    }

    @Test func `a host key that is not pinned ends the attempt before the user key is used, with both fingerprints`() throws {
        let id = try executor.lease(["true"]) { $0.hostKeys = [.init((try? sshd.publicKey("stranger")) ?? [])] }
        let result = try executor.result(id)
        #expect(result.outcome == .notStarted)
        #expect(result.reason == .hostKey)
        #expect(result.error.contains("web-1"))
        #expect(result.error.contains("127.0.0.1:\(sshd.port)"))
        #expect(result.error.contains(try sshd.fingerprint("host_ed25519")))
        #expect(result.error.contains(try sshd.fingerprint("stranger")))
        #expect(executor.signatureRequests.isEmpty)
    }

    @Test func `a host without a key of the pinned type is refused with a hint, and no other type is tried`() throws {
        let result = try executor.run(["true"]) { $0.hostKeys = [.init((try? sshd.publicKey("user_ecdsa")) ?? [])] }
        #expect(result.outcome == .notStarted)
        #expect(result.error.contains("ecdsa-sha2-nistp256"))
        #expect(result.error.contains("sallyport hosts scan 127.0.0.1 --port \(sshd.port)"))
        #expect(executor.signatureRequests.isEmpty)
    }

    @Test func `no pinned host key at all is refused`() throws {
        let result = try executor.run(["true"]) { $0.hostKeys = [] }
        #expect(result.reason == .hostKey)
        #expect(executor.signatureRequests.isEmpty)
    }

    @Test func `a user key that the host does not know is an authentication failure`() throws {
        executor.use(key: "stranger")
        let result = try executor.run(["true"])
        #expect(result.outcome == .notStarted)
        #expect(result.reason == .authentication)
    }

    @Test func `a refusal to sign reaches the result, and the next lease asks again`() throws {
        executor.refuse("not today")
        let result = try executor.run(["true"])
        #expect(result.outcome == .notStarted)
        #expect(result.reason == .authentication)
        #expect(result.error.contains("not today"))
        executor.refuse(nil)
        #expect(try executor.run(["true"]).outcome == .exited)
        #expect(executor.signatureRequests.count == 2)
    }

    @Test func `leases that wait beside one whose signature is refused get one attempt of their own`() throws {
        executor.refuse("not today")
        let ids = try (0..<3).map { _ in try executor.lease(["true"]) }
        for id in ids { #expect(try executor.result(id).reason == .authentication) }
        #expect(executor.signatureRequests.count <= ids.count)
    }

    @Test func `a signature that does not come is a timeout of the authentication`() throws {
        executor.beSilent()
        let result = try executor.run(["true"]) { $0.connectTimeoutMs = 1_000 }
        #expect(result.outcome == .notStarted)
        #expect(result.reason == .unreachable)
        #expect(result.error.contains("authentication"))
    }

    @Test func `twenty leases at once share one connection of eight channels`() throws {
        let begun = Monotonic.now()
        let ids = try (0..<20).map { try executor.lease(["sh", "-c", "sleep 0.2; exit \($0)"]) }
        for (index, id) in ids.enumerated() {
            let result = try executor.result(id)
            #expect(result.outcome == .exited)
            #expect(result.exitCode == Int32(index))
        }
        #expect(executor.signatureRequests == [ids[0]])
        #expect(sshd.connectionCount == 1)
        // Eight at a time: three turns of 0.2 s, not twenty.
        #expect((550..<3_500).contains(Monotonic.now() - begun))
    }

    @Test func `a host that floods does not delay another`() throws {
        let other = try PrivateSSHD()
        let flood = try executor.lease(["cat", "/dev/zero"])
        try executor.started(flood)
        let begun = Monotonic.now()
        let result = try executor.run(["true"]) {
            $0.port = UInt32(other.port)
            $0.publicKey = .init((try? sshd.publicKey("user_ed25519")) ?? [])
            $0.hostKeys = [.init((try? other.publicKey("host_ed25519")) ?? [])]
        }
        // Its own key is not known there: what matters is that it was answered.
        #expect(result.reason == .authentication)
        #expect(Monotonic.now() - begun < 3_000)
        try executor.cancel(flood)
        #expect(try executor.result(flood).outcome == .cancelled)
    }

    @Test func `a connection that is lost in the middle of a command is unknown, never success`() throws {
        let id = try executor.lease(["sh", "-c", "echo begun; sleep 60"])
        try executor.started(id)
        sshd.dropConnections()
        let result = try executor.result(id)
        #expect(result.outcome == .unknown)
        #expect(result.reason == .outcomeUnknown)
        #expect(result.stdout == .init("begun\n".utf8))
        #expect(result.error.contains("127.0.0.1:\(sshd.port)"))
        // The host itself sees the end of the control input and ends the command.
        let group = pid_t(try executor.started(id))
        for _ in 0..<300 where !LocalShell.processes({ $0.group == group }).isEmpty { usleep(10_000) }
        #expect(LocalShell.processes { $0.group == group }.isEmpty)
    }

    @Test func `a warm connection that died is made anew, with a signature of the new lease`() throws {
        let first = try executor.lease(["true"])
        #expect(try executor.result(first).outcome == .exited)
        sshd.dropConnections()
        for _ in 0..<200 where sshd.connectionCount > 0 { usleep(10_000) }
        let second = try executor.lease(["true"])
        #expect(try executor.result(second).outcome == .exited)
        #expect(executor.signatureRequests == [first, second])
    }

    @Test func `nobody listens: unreachable, with place and step`() throws {
        sshd.stop()
        let result = try executor.run(["true"])
        #expect(result.outcome == .notStarted)
        #expect(result.reason == .unreachable)
        #expect(result.error.contains("host web-1 (127.0.0.1:\(sshd.port)): tcp connect: Connection refused"))
    }

    @Test func `a listener that says nothing is unreachable when the time is over`() throws {
        let silent = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(silent) }
        let port = UInt16(try FreePort.next())
        var address = FreePort.loopback(port)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(silent, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        try #require(bound == 0 && listen(silent, 8) == 0)
        let stuck = try executor.lease(["true"]) {
            $0.port = UInt32(port)
            $0.connectTimeoutMs = 1_500
        }
        // Another host is served meanwhile.
        #expect(try executor.run(["true"]).outcome == .exited)
        let result = try executor.result(stuck)
        #expect(result.reason == .unreachable)
        #expect(result.error.contains("banner and key exchange took too long"))
    }

    @Test func `what no shell can be told is refused before anything is sent`() throws {
        let result = try executor.run(["echo", "a\0b"])
        #expect(result.outcome == .notStarted)
        #expect(result.reason == .policy)
        #expect(try executor.run(["true"]) { $0.environment = ["1=2"] }.reason == .policy)
        #expect(try executor.run(["echo", String(repeating: "x", count: 40_000)]).reason == .policy)
        #expect(try executor.run(["echo", String(repeating: "x", count: 20_000)]).outcome == .exited)
    }

    @Test func `when the executor hangs up the worker ends in order and the host ends the commands`() throws {
        let id = try executor.lease(["sleep", "60"])
        let group = pid_t(try executor.started(id))
        #expect(try executor.hangUp(within: 2) == "returned")
        for _ in 0..<300 where !LocalShell.processes({ $0.group == group }).isEmpty { usleep(10_000) }
        #expect(LocalShell.processes { $0.group == group }.isEmpty)
    }

    @Test func `a frame that only a worker may send, or none at all, ends the worker`() throws {
        try executor.send(.with { $0.hello = .init() })
        #expect(try executor.workerEnd(within: 2).contains("only a worker may send"))
        let other = try FakeExecutor(sshd)
        defer { other.stop() }
        other.sendRaw([0xff, 0xff, 0xff, 0xff])
        #expect(try other.workerEnd(within: 2).contains("frame of"))
    }
}

/// Hosts that are set up otherwise.
@Suite(.serialized)
struct WorkerHostTests {
    @Test func `a host that gives one session at a time gets one command at a time, and can still end a group`() throws {
        let sshd = try PrivateSSHD(settings: ["MaxSessions 1"])
        let executor = try FakeExecutor(sshd)
        defer { executor.stop() }
        let ids = try (0..<4).map { try executor.lease(["sh", "-c", "exit \($0)"]) }
        for (index, id) in ids.enumerated() { #expect(try executor.result(id).exitCode == Int32(index)) }
        let late = try executor.lease(["sleep", "60"]) { $0.timeoutMs = 300 }
        let result = try executor.result(late)
        #expect(result.outcome == .timedOut)
        #expect(result.groupGone)
        #expect(executor.signatureRequests == [ids[0]])
    }

    @Test func `a host that gives two sessions goes on running two commands at once after it was asked for a third`() throws {
        let sshd = try PrivateSSHD(settings: ["MaxSessions 2"])
        let executor = try FakeExecutor(sshd)
        defer { executor.stop() }
        let folder = "/tmp/sallyport-sessions-\(getpid())"
        mkdir(folder, 0o755)
        defer {
            for name in ["a", "b"] { unlink("\(folder)/\(name)") }
            rmdir(folder)
        }
        for id in try (0..<20).map({ _ in try executor.lease(["true"]) }) { #expect(try executor.result(id).outcome == .exited) }
        let script = "touch \(folder)/$1; until [ -e \(folder)/$2 ]; do sleep 0.05; done"
        let both = try [["a", "b"], ["b", "a"]].map { names in
            try executor.lease(["sh", "-c", script, "sh"] + names) { $0.timeoutMs = 4_000 }
        }
        for id in both { #expect(try executor.result(id).outcome == .exited) }
    }

    @Test func `a host that stops without a word is found out by the silence, and its command is unknown`() throws {
        let sshd = try PrivateSSHD()
        let executor = try FakeExecutor(sshd, keepAlive: (after: 2_500, within: 1_000))
        defer { executor.stop() }
        let id = try executor.lease(["sleep", "60"])
        try executor.started(id)
        // A host that lives is asked, answers, and goes on. libssh2 asks at most every two seconds.
        usleep(4_000_000)
        let begun = Monotonic.now()
        sshd.freezeConnections()
        let result = try executor.result(id)
        #expect(result.outcome == .unknown)
        #expect(result.error.contains("has not answered for 3 s"), "\(result.error)")
        #expect((900..<4_000).contains(Monotonic.now() - begun))
    }

    @Test func `of many users' connections to one host four are made at a time, and all come through`() throws {
        let sshd = try PrivateSSHD()
        let executor = try FakeExecutor(sshd)
        defer { executor.stop() }
        executor.beSilent()
        let ids = try (0..<10).map { index in
            try executor.lease(["true"]) {
                $0.identity = "key-\(index)"
                $0.connectTimeoutMs = index < 4 ? 1_500 : 10_000
            }
        }
        try executor.awaitSignatureRequests(4)
        usleep(500_000)
        #expect(executor.signatureRequests.count == 4)
        executor.beSilent(false)
        for id in ids.prefix(4) { #expect(try executor.result(id).reason == .unreachable) }
        for id in ids.dropFirst(4) { #expect(try executor.result(id).outcome == .exited) }
    }

    @Test func `a host that gives no session says busy`() throws {
        let sshd = try PrivateSSHD(settings: ["MaxSessions 0"])
        let executor = try FakeExecutor(sshd)
        defer { executor.stop() }
        let result = try executor.run(["true"])
        #expect(result.outcome == .notStarted)
        #expect(result.reason == .busy)
    }

    @Test func `a host whose forced command is no shell is unsuitable`() throws {
        let sshd = try PrivateSSHD(settings: ["ForceCommand echo this account is for backups"])
        let executor = try FakeExecutor(sshd)
        defer { executor.stop() }
        let result = try executor.run(["true"])
        #expect(result.outcome == .notStarted)
        #expect(result.reason == .hostUnsuitable)
        #expect(result.error.contains("this account is for backups"))
    }

    @Test func `a scan shows every key type the host has, as ssh-keygen prints them, and logs nobody in`() throws {
        let sshd = try PrivateSSHD(hostKeyTypes: ["ed25519", "ecdsa"])
        let keys = try HostScan.keys(address: "127.0.0.1", port: sshd.port, timeout: 5_000)
        #expect(keys.map(\.type) == ["ssh-ed25519", "ecdsa-sha2-nistp256"])
        #expect(keys.map(\.fingerprint) == [try sshd.fingerprint("host_ed25519"), try sshd.fingerprint("host_ecdsa")])
        #expect(keys.first?.blob == (try sshd.publicKey("host_ed25519")))
        #expect(keys.first?.knownHostsLine(host: "web-1", port: 22).hasPrefix("web-1 ssh-ed25519 AAAA") == true)
        #expect(keys.first?.knownHostsLine(host: "web-1", port: 2200).hasPrefix("[web-1]:2200 ssh-ed25519 AAAA") == true)
    }

    @Test func `a scan of a place where nobody listens says so`() throws {
        let port = UInt16(try FreePort.next())
        let error = #expect(throws: WorkerFailure.self) { try HostScan.keys(address: "127.0.0.1", port: port, timeout: 1_000) }
        #expect(error?.description.contains("127.0.0.1:\(port): tcp connect: Connection refused") == true)
    }

    @Test(arguments: [[], [0, 0, 0, 7], [0, 0, 0, 1, 0x61], [0, 0, 0, 65] + [UInt8](repeating: 0x61, count: 80)] as [[UInt8]])
    func `bytes that are no key have no type`(blob: [UInt8]) {
        #expect(HostKey(blob: blob) == nil)
    }
}
