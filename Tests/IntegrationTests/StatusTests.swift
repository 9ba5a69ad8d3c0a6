import Foundation
import Glibc
import TestSupport
import Testing

/// What an operator is told of the executor itself: its status, its metrics, its hosts.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct StatusTests {
    private static let folder = "/tmp/sallyport-status-\(UUID().uuidString.prefix(8))"

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
    }

    private func sallyport(_ arguments: String...) throws -> Command { try bed.command(arguments) }

    private func json(_ command: Command) throws -> [[String: Any]] {
        try command.output.split(separator: "\n").map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
        }
    }

    private func change(_ file: String = "executor.yaml", _ body: (String) -> String) throws {
        let url = bed.box.appending(path: file)
        try body(try String(contentsOf: url, encoding: .utf8)).write(to: url, atomically: true, encoding: .utf8)
    }

    /// The status once all is well: ready does not wait for the workers.
    private func awaitHealth() throws {
        try #require(try eventually { try sallyport("status").code == 0 }, "\((try? sallyport("status").output) ?? "")")
    }

    @Test func `all is well is one screen and exit code 0, and what is not comes first with exit code 1`() throws {
        try bed.start()
        try awaitHealth()
        let well = try sallyport("status").output
        #expect(well.hasPrefix("all is well\n"))
        #expect(well.contains("ingress      edge: connected for "))
        #expect(well.components(separatedBy: "SSH worker   pid ").count == 3)
        #expect(well.contains("web-1  not used yet"))
        #expect(try bed.deliver(hook: "slow", signature: nil, token: nil).status == 200)
        #expect(try sallyport("status").output.contains("web-1  good"))
        let object = try #require(try json(sallyport("status", "--json")).first)
        #expect(object["healthy"] as? Bool == true)
        #expect((object["audit"] as? [String: Any])?["records"] as? Int ?? 0 > 2)

        try change { $0.replacing("timeout: 20s", with: "timeout: never") }
        kill(bed.executor.pid, SIGHUP)
        bed.ingress.stop()
        #expect(
            try eventually {
                let lines = try sallyport("status").output.split(separator: "\n")
                return lines.first == "NOT WELL: 2 things"
                    && lines.dropFirst().first?.contains("ingress edge is not connected") == true
                    && lines.dropFirst(2).first?.contains("changed settings were not taken: ") == true
            }, "\((try? sallyport("status").output) ?? "")")
        #expect(try sallyport("status").code == 1)
        for worker in bed.processes("sallyport-ssh-worker") { kill(worker, SIGKILL) }
        #expect(try eventually { try sallyport("status").output.contains("2 workers ended since the start") })
    }

    @Test func `a host that could not be reached is named until it is reached again`() throws {
        try bed.start()
        try awaitHealth()
        bed.server.stop(SIGKILL)
        #expect(try bed.deliver(hook: "slow", signature: nil, token: nil).status == 502)
        let ill = try sallyport("status")
        #expect(ill.code == 1)
        #expect(ill.output.contains("host web-1: unreachable: "), "\(ill.output)")
        #expect(try sallyport("metrics").output.contains("sallyport_host_failing{host=\"web-1\"} 1\n"))
        try bed.server.start()
        #expect(try eventually { try bed.deliver(hook: "slow", signature: nil, token: nil).status == 200 })
        try awaitHealth()
    }

    @Test func `an executor that is not there is exit code 3, and says what to look at`() throws {
        for command in ["status", "metrics"] {
            let away = try sallyport(command)
            #expect(away.code == 3)
            #expect(away.errors.contains("is the executor running"))
        }
        let file = bed.folder.appending(path: "sallyport.prom").path
        try "as it was".write(toFile: file, atomically: true, encoding: .utf8)
        #expect(try sallyport("metrics", "--file", file).code == 3)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "as it was")
    }

    @Test func `metrics are printed or replace a file, with labels of the settings alone`() throws {
        try bed.start()
        try awaitHealth()
        #expect(try bed.deliver(hook: "slow", signature: nil, token: nil).status == 200)
        let text = try sallyport("metrics").output
        for line in [
            "sallyport_jobs_accepted_total 1", "sallyport_ssh_workers 2", "sallyport_ingress_connected{ingress=\"edge\"} 1",
            "sallyport_jobs_finished_total{job_name=\"slow\",status=\"succeeded\",reason=\"\"} 1", "sallyport_journal_failing 0",
        ] { #expect(text.contains("\n\(line)\n"), "\(line)") }
        let file = bed.folder.appending(path: "sallyport.prom").path
        try "old".write(toFile: file, atomically: true, encoding: .utf8)
        #expect(try sallyport("metrics", "--file", file).code == 0)
        #expect(try String(contentsOfFile: file, encoding: .utf8).contains("sallyport_ssh_workers 2\n"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: bed.folder.path).filter { $0.contains(".prom") }.count == 1)
        #expect(try sallyport("metrics", "--file", "/proc/none/sallyport.prom").code == 2)
    }

    @Test func `a reader sees status and metrics, and has no host looked at`() throws {
        try change { $0.replacing("run/admin.sock }", with: "run/admin.sock, operators: [4242], readers: [\(getuid())] }") }
        try bed.start()
        try awaitHealth()
        #expect(try sallyport("metrics").code == 0)
        let refused = try sallyport("hosts", "check", "web-1")
        #expect(refused.code == 1)
        #expect(refused.errors.contains("may look at jobs, not change them"), "\(refused.errors)")
        #expect(try bed.jobs().isEmpty)
    }
}
