import Foundation
import Glibc
import TestSupport
import Testing

/// SIGHUP for the executor: everything that is good, or nothing.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct ExecutorReloadTests {
    private static let jobs = """
          word:
            command: [echo, old]
            destinations: [web-1]
            timeout: 20s

        """

    private static let later = """
          later:
            command: [echo, later]
            destinations: [web-1]
            timeout: 20s

        """

    private let bed: TestBed

    init() throws {
        bed = try TestBed(jobs: Self.jobs, hooks: DeliveryTests.hook("word") + DeliveryTests.hook("later"))
    }

    private func deliver(_ hook: String) throws -> HookAnswer { try bed.deliver(hook: hook, signature: nil, token: nil) }

    private func change(_ old: String, _ new: String) throws {
        let file = bed.box.appending(path: "executor.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        try #require(text.contains(old))
        try text.replacing(old, with: new).write(to: file, atomically: true, encoding: .utf8)
    }

    /// Sends SIGHUP to the supervisor and waits for the executor's word on it.
    private func reload() throws -> String {
        let before = bed.executor.text.count
        kill(bed.executor.pid, SIGHUP)
        try #require(eventually { bed.executor.text.dropFirst(before).contains { $0 == "\n" } })
        _ = eventually(within: 3) {
            let new = bed.executor.text.dropFirst(before)
            return new.contains("settings are read again") || new.contains("nothing is changed")
        }
        return String(bed.executor.text.dropFirst(before))
    }

    @Test func `jobs that are changed or new hold from then on, without a connection lost`() throws {
        #expect(try deliver("word")["stdout"] == "old\n")
        #expect(try deliver("later").status == 422)
        let process = bed.process("sallyport-executor run")
        try change("[echo, old]", "[echo, new]")
        try bed.append(Self.later, to: "executor.yaml")
        #expect(try reload().contains("settings are read again"))
        #expect(try deliver("word")["stdout"] == "new\n")
        #expect(try deliver("later")["stdout"] == "later\n")
        #expect(bed.process("sallyport-executor run") == process)
        // And once more: the reader reads what stands there now.
        try change("[echo, new]", "[echo, newer]")
        #expect(try reload().contains("settings are read again"))
        #expect(try deliver("word")["stdout"] == "newer\n")
    }

    @Test func `a file that is not good changes nothing, and every problem is named`() throws {
        try change("[echo, old]", "[echo, new, \"{nobody}\"]")
        try bed.append("  broken: { timeout: 1s }\n", to: "executor.yaml")
        let log = try reload()
        #expect(log.contains("no parameter `nobody`"))
        #expect(log.contains("`command` is missing"))
        #expect(log.contains("nothing is changed"))
        #expect(try deliver("word")["stdout"] == "old\n")
    }

    @Test func `what needs a restart is named, and nothing else of the file comes in`() throws {
        try change("[echo, old]", "[echo, new]")
        try change("run/admin.sock", "run/other.sock")
        #expect(try reload().contains("changed, and needs a restart: admin.socket"))
        try change("run/other.sock", "run/admin.sock")
        try change("port: \(bed.server.port)", "port: 1")
        #expect(try reload().contains("hosts (port 1 is new)"))
        #expect(try deliver("word")["stdout"] == "old\n")
    }

    @Test func `a port that was there at the start may go and come back`() throws {
        let port = bed.server.port
        try change("port: \(port)", "jump: far, port: \(port)")
        try change("\nhosts:\n", "\nhosts:\n  far: { address: 127.0.0.2, port: \(port), user: nobody, identity: deploy }\n")
        #expect(try reload().contains("settings are read again"))
        try change("address: 127.0.0.2, port: \(port)", "address: 127.0.0.2, port: 1")
        #expect(try reload().contains("hosts (port 1 is new)"))
        try change("  far: { address: 127.0.0.2, port: 1, user: nobody, identity: deploy }\n", "")
        try change("jump: far, port: \(port)", "port: \(port)")
        #expect(try reload().contains("settings are read again"))
        #expect(try deliver("word")["stdout"] == "old\n")
    }
}
