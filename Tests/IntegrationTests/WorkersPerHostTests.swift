import Foundation
import Glibc
import TestSupport
import Testing

/// `workers: {per-host: true}`: what one host does to its worker no other host meets.
@Suite(.timeLimit(.minutes(6)))
struct WorkersPerHostTests {
    private static let jobs = """
          each:
            command: [echo, done]
            destinations: [web-1, web-2, web-3]
            destination: caller
            timeout: 20s

        """

    private let bed: TestBed
    private var port: Int { bed.server.port }

    init() throws {
        bed = try TestBed(
            jobs: Self.jobs,
            hooks: DeliveryTests.hook("each", "respond: sync\n    wait: 30s\n    destination: { payload: /host }"), start: false)
        // The same sshd by another address is another host.
        bed.server.stop()
        try bed.server.add(addresses: ["127.0.0.2", "127.0.0.3", "127.0.0.4"])
        try bed.server.start()
        try bed.add(hosts: (2...3).map { try BedHost("web-\($0)", bed.server, address: "127.0.0.\($0)") })
        try bed.append("workers: { per-host: true }\n", to: "executor.yaml")
        try bed.start()
    }

    private func deliver(_ host: String) throws -> HookAnswer {
        try bed.deliver(#"{"host":"\#(host)"}"#, hook: "each", signature: nil, token: nil)
    }

    /// Whom each worker serves, by its pid.
    private func places() throws -> [String: Int32] {
        let status =
            try JSONSerialization.jsonObject(with: Data(bed.command(["status", "--json"]).output.utf8)) as? [String: Any]
        let workers = try #require(status?["workers"] as? [[String: Any]])
        return Dictionary(
            uniqueKeysWithValues: workers.compactMap { worker in
                guard let place = worker["place"] as? String, !place.isEmpty, let pid = worker["pid"] as? Int else { return nil }
                return (place, Int32(pid))
            })
    }

    @Test func `each host has a worker of its own, and what stops one stops no other`() throws {
        #expect(eventually { bed.innerProcesses.workers.count == 3 })
        for host in ["web-1", "web-2", "web-3", "web-1"] { #expect(try deliver(host).status == 200, "\(host)") }
        let before = try places()
        #expect(before.count == 3)
        #expect(Set(before.values).count == 3)
        let stopped = try #require(before["127.0.0.3:\(port)"])
        kill(stopped, SIGSTOP)
        for host in ["web-1", "web-2"] { #expect(try deliver(host).status == 200, "\(host)") }
        kill(stopped, SIGKILL)
        #expect(try deliver("web-3").status == 200)
        let after = try places()
        #expect(after["127.0.0.3:\(port)"] != stopped)
        #expect(after["127.0.0.2:\(port)"] == before["127.0.0.2:\(port)"])
    }

    @Test func `a host that takes another's place gets a fresh worker, and one more than there are workers needs a restart`()
        throws
    {
        for host in ["web-1", "web-2", "web-3"] { #expect(try deliver(host).status == 200, "\(host)") }
        let before = try places()
        let file = bed.box.appending(path: "executor.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        let key = try BedHost("", bed.server).hostKey
        try bed.append("[127.0.0.4]:\(port) \(key)\n", to: "known_hosts")
        try text.replacing("127.0.0.3", with: "127.0.0.4").write(to: file, atomically: true, encoding: .utf8)
        kill(bed.executor.pid, SIGHUP)
        #expect(eventually { bed.executor.text.contains("settings are read again") })
        let answer = try deliver("web-3")
        #expect(answer.status == 200, "\(answer.text) \(bed.executor.text)")
        let after = try places()
        let fresh = try #require(after["127.0.0.4:\(port)"])
        #expect(!before.values.contains(fresh))
        #expect(after["127.0.0.3:\(port)"] == nil)
        try bed.add(hostLines: "  web-4: { address: 127.0.0.9, port: \(port), user: root, identity: deploy }\n")
        kill(bed.executor.pid, SIGHUP)
        #expect(eventually { bed.executor.text.contains("per-host needs a worker for each of the 4 hosts") })
        #expect(bed.executor.text.contains("nothing is changed"))
    }
}
