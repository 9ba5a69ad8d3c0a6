import Foundation
import Glibc
import TestSupport
import Testing

/// An operator has the executor look at its hosts.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct HostsCheckTests {
    private static let folder = "/tmp/sallyport-check-\(UUID().uuidString.prefix(8))"

    private static let jobs = """
          slow:
            command: [sh, -c, "echo x >> \(folder); sleep 2; echo done"]
            destinations: [web-1]
            timeout: 20s

        """

    private let bed: TestBed

    init() throws {
        bed = try TestBed(jobs: Self.jobs, hooks: DeliveryTests.hook("slow"), start: false)
        try? FileManager.default.removeItem(atPath: Self.folder)
        try bed.append("audit: { checkpoint-every: 1 }\n", to: "executor.yaml")
    }

    private var known: URL { bed.box.appending(path: "known_hosts") }

    private func check(_ arguments: String...) throws -> Command {
        try bed.command(["hosts", "check"] + arguments)
    }

    @Test func `each host is one line: good, or the step that failed, why, and what to do`() throws {
        let closed = try FreePort.next()
        let common = "address: 127.0.0.1, identity: deploy"
        try bed.add(
            hostLines:
                """
                  gone: { \(common), port: \(closed), user: \(NSUserName()) }
                  stranger: { \(common), port: \(bed.server.port), user: sallyport-stranger }
                  unpinned: { \(common), port: 1, user: \(NSUserName()) }

                """)
        let pinned = try String(contentsOf: known, encoding: .utf8)
        try (pinned + pinned.replacing("]:\(bed.server.port)", with: "]:\(closed)")).write(
            to: known, atomically: true, encoding: .utf8)
        try bed.append("groups: { all-good: [web-1] }\n", to: "executor.yaml")
        try bed.start()
        let all = try check("--all")
        #expect(all.code == 1)
        let lines = all.output.split(separator: "\n").sorted()
        try #require(lines.count == 4, "\(all.output) \(all.errors)")
        #expect(lines[0].hasPrefix("gone: FAILED at reaching it: "), "\(lines[0])")
        #expect(lines[0].contains("is sshd listening at 127.0.0.1 port \(closed)"), "\(lines[0])")
        #expect(lines[1].hasPrefix("stranger: FAILED at authentication: "), "\(lines[1])")
        #expect(lines[1].contains("in the authorized_keys of sallyport-stranger"), "\(lines[1])")
        #expect(lines[2].hasPrefix("unpinned: FAILED at its host key: "), "\(lines[2])")
        #expect(lines[2].contains("sallyport hosts scan 127.0.0.1 --port 1"), "\(lines[2])")
        #expect(lines[3].hasPrefix("web-1: good: reachable, host key, authentication, prelude; "), "\(lines[3])")
        #expect(try check("all-good", "web-1").output.split(separator: "\n").count == 1)
        let unknown = try check("web-1", "web-7")
        #expect(unknown.code == 1)
        #expect(unknown.errors.contains("no host or group \"web-7\""))
        #expect(try check().code == 2)
        #expect(try check("--all", "web-1").code == 2)

        // Another key than the one that is pinned.
        let other = try Command.run(
            "/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", bed.folder.appending(path: "other").path])
        #expect(other.code == 0)
        let key = try String(contentsOf: bed.folder.appending(path: "other.pub"), encoding: .utf8).split(separator: " ")[1]
        try "[127.0.0.1]:\(bed.server.port) ssh-ed25519 \(key)\n".write(to: known, atomically: true, encoding: .utf8)
        kill(bed.executor.pid, SIGHUP)
        #expect(eventually { bed.executor.text.contains("settings are read again") })
        // Not over a connection that was made with the old one.
        for worker in bed.processes("sallyport-ssh-worker") { kill(worker, SIGKILL) }
        #expect(
            try eventually {
                let changed = try check("web-1")
                return changed.code == 1 && changed.output.hasPrefix("web-1: FAILED at its host key: ")
            }, "\((try? check("web-1").output) ?? "")")
    }

    @Test func `a check is a job of the operator's in journal and audit log, and no job can be made of it`() throws {
        try bed.start()
        let object = try JSONSerialization.jsonObject(with: Data(try check("--json", "web-1").output.utf8)) as? [String: Any]
        #expect(object?["good"] as? Bool == true)
        let job = try #require(object?["job"] as? String)
        let record = try #require(try bed.jobs(["--host", "web-1"]).first)
        #expect(record["job"] as? String == job)
        #expect(record["name"] as? String == "(hosts check)")
        #expect(record["status"] as? String == "succeeded")
        #expect((record["operator"] as? String)?.contains("uid \(getuid())") == true)
        let kinds = try bed.records(of: job, count: 6).compactMap { $0["kind"] as? String }
        #expect(kinds.contains("signature"))
        #expect(kinds.last == "result")
        let replay = try Command.run(
            try TestBed.binary("sallyport"),
            ["jobs", "replay", job, "--socket", bed.box.appending(path: "run/admin.sock").path])
        #expect(replay.code == 1)
        #expect(replay.output.contains("no job \"(hosts check)\" in the policy"), "\(replay.output)")
    }

    @Test func `a check waits for a place on its host like everybody, and what runs there notices nothing`() throws {
        let url = bed.box.appending(path: "executor.yaml")
        let text = try String(contentsOf: url, encoding: .utf8)
        try text.replacing("identity: deploy }", with: "identity: deploy, concurrency: 1 }").write(
            to: url, atomically: true, encoding: .utf8)
        try bed.start()
        let bed = bed
        let answer = Background { try bed.deliver(hook: "slow", signature: nil, token: nil) }
        try #require(eventually { FileManager.default.fileExists(atPath: Self.folder) })
        let checked = try check("--json", "web-1")
        #expect(checked.code == 0, "\(checked.output)")
        let object = try JSONSerialization.jsonObject(with: Data(checked.output.utf8)) as? [String: Any]
        #expect(object?["durationMs"] as? Int ?? 0 > 1000)
        #expect(try answer.value.status == 200)
    }
}
