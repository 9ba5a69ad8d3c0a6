import Foundation
import Glibc
import TestSupport
import Testing

/// Hosts of the real executor: behind a jump host, dead for a while, and with names that change.
@Suite(.serialized, .timeLimit(.minutes(5)))
final class HostTests {
    private let bed: TestBed
    private let bastion: SSHServer

    init() throws {
        bed = try TestBed(start: false)
        bastion = try SSHServer(folder: bed.folder.appending(path: "bastion"), authorizedKeys: [])
        let key = try String(contentsOf: bed.box.appending(path: "secrets/deploy.key.pub"), encoding: .utf8)
        try "restrict,port-forwarding,permitopen=\"127.0.0.1:\(bed.server.port)\" \(key)".write(
            to: bastion.folder.appending(path: "authorized_keys"), atomically: true, encoding: .utf8)
        try bastion.start()
        let pinned = try Command.run(
            try TestBed.binary("sallyport"),
            ["hosts", "scan", "127.0.0.1", "--port", "\(bastion.port)", "--pin", bed.box.appending(path: "known_hosts").path])
        try #require(pinned.code == 0)
    }

    deinit { bastion.stop(SIGKILL) }

    private func change(_ change: (String) -> String) throws {
        let url = bed.box.appending(path: "executor.yaml")
        try change(try String(contentsOf: url, encoding: .utf8)).write(to: url, atomically: true, encoding: .utf8)
    }

    /// Puts the bed's host behind the jump host.
    private func putBehind() throws {
        try change { text in
            text.replacing(
                "user: \(NSUserName()), identity: deploy }", with: "user: \(NSUserName()), identity: deploy, jump: bastion }"
            )
            .replacing(
                "\njobs:",
                with:
                    "\n  bastion: { address: 127.0.0.1, port: \(bastion.port), user: \(NSUserName()), identity: deploy }\njobs:")
        }
        try bed.append("audit: { checkpoint-every: 1 }\n", to: "executor.yaml")
    }

    @Test func `a job runs behind a jump host, and the audit log has a signature for each host of the way`() throws {
        try putBehind()
        try bed.start()
        let answer = try bed.deliver()
        #expect(answer.status == 200, "\(answer.text) \(bed.executor.text)")
        let records = try bed.records(of: try #require(answer["job"]), count: 8)
        let signatures = records.filter { $0["kind"] as? String == "signature" }
        #expect(signatures.map { $0["host"] as? String } == ["bastion", "web-1"])
        #expect(Set(signatures.compactMap { $0["session"] as? String }).count == 2)
    }

    @Test func `a dead host is left alone after three failures, and the answer says since when and until when`() throws {
        try bed.start()
        bed.server.stop(SIGKILL)
        for _ in 0..<3 { #expect(try bed.deliver().text.contains("tcp connect: Connection refused")) }
        let answer = try bed.deliver()
        #expect(answer.status == 502)
        #expect(answer.text.contains("not tried: host web-1 failed 3 times in a row since 20"), "\(answer.text)")
        #expect(answer.text.contains("the next attempt is in "))
        // The pause is ten seconds at most.
        try bed.server.start()
        #expect(try eventually(within: 15) { try bed.deliver().status == 200 })
        #expect(try bed.deliver().status == 200)
    }

    @Test(.enabled(if: geteuid() == 0, "an /etc of its own is for root"))
    func `a name that comes with another file of hosts is found, while an old command runs to its end`() throws {
        let etc = bed.folder.appending(path: "etc")
        try Command.run("/bin/cp", ["-a", "/etc", etc.path])
        let hosts = etc.appending(path: "hosts")
        try "127.0.0.1 old.test\n".write(to: hosts, atomically: true, encoding: .utf8)
        let line = try String(contentsOf: bed.box.appending(path: "known_hosts"), encoding: .utf8)
        try line.replacing("[127.0.0.1]", with: "[old.test]").appending(line.replacing("[127.0.0.1]", with: "[new.test]"))
            .write(to: bed.box.appending(path: "known_hosts"), atomically: true, encoding: .utf8)
        try change { text in
            text.replacing("web-1: { address: 127.0.0.1", with: "web-1: { address: old.test").replacing(
                "\njobs:",
                with:
                    "\n  web-2: { address: new.test, port: \(bed.server.port), user: \(NSUserName()), identity: deploy }\njobs:\n"
                    + "  long: { command: [sh, -c, \"sleep 12; echo long\"], destinations: [web-1], timeout: 20s }\n"
                    + "  late: { command: [echo, late], destinations: [web-2], timeout: 20s }")
        }
        try bed.append(
            "  long: { verify: none, job: long, respond: sync, wait: 25s }\n  late: { verify: none, job: late, respond: sync, wait: 25s }\n",
            to: "ingress.yaml")
        let executor = Daemon(
            "/usr/bin/unshare",
            [
                "-m", "sh", "-c", "mount --bind '\(etc.path)' /etc && exec \"$@\"", "sh",
                try TestBed.binary("sallyport-executor"),
                "serve", "--config", bed.box.appending(path: "executor.yaml").path,
            ], log: bed.folder.appending(path: "executor.log"))
        try executor.start()
        defer { executor.stop(SIGTERM, within: 5) }
        try bed.ingress.start()
        try bed.waitUntilReady()
        let shared = bed
        let long = Background { try shared.deliver("{}", hook: "long", signature: nil, token: nil) }
        usleep(2_000_000)
        try "127.0.0.1 old.test new.test\n".write(to: hosts, atomically: true, encoding: .utf8)
        let late = try bed.deliver("{}", hook: "late", signature: nil, token: nil)
        #expect(late.status == 200, "\(late.text) \(bed.executor.text)")
        let answer = try long.value
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer["stdout"] == "long\n")
        #expect(bed.executor.text.contains("another worker takes over"))
    }
}
