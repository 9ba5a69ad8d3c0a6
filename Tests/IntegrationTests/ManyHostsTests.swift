import Foundation
import Glibc
import HostileHost
import Synchronization
import TestSupport
import Testing

/// Many hosts, each a real sshd: 40 of them, or as many as SALLYPORT_HOSTS says. Beside them one that is not there, one that accepts and
/// says nothing, and one whose every shell takes two seconds.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct ManyHostsTests {
    private static let batch = 30

    private let count: Int
    private let servers: [SSHServer]
    private let hole: HostileHost
    private let slow: SSHServer
    private let bed: TestBed
    private let counter: TemporaryFolder

    init() throws {
        count = ProcessInfo.processInfo.environment["SALLYPORT_HOSTS"].flatMap { Int($0) } ?? 40
        counter = try TemporaryFolder()
        bed = try TestBed(start: false)
        let key = try String(contentsOf: bed.box.appending(path: "secrets/deploy.key.pub"), encoding: .utf8)
            .trimmingCharacters(in: .newlines)
        let folder = bed.folder
        servers = try (0..<count).map { try SSHServer(folder: folder.appending(path: "h\($0)"), authorizedKeys: [key]) }
        for server in servers { try server.start() }
        slow = try SSHServer(folder: folder.appending(path: "slow"), authorizedKeys: [key])
        let settings = slow.folder.appending(path: "sshd_config")
        try (String(contentsOf: settings, encoding: .utf8) + "\nForceCommand sleep 2; eval \"$SSH_ORIGINAL_COMMAND\"\n")
            .write(to: settings, atomically: true, encoding: .utf8)
        try slow.start()
        hole = try HostileHost(.mute)
        let bad = try [
            BedHost("dead", port: FreePort.next(), hostKey: BedHost("dead", hole).hostKey), BedHost("hole", hole),
            BedHost("slow", slow),
        ]
        try bed.add(hosts: try servers.enumerated().map { try BedHost("h\($0)", $1) } + bad, connectTimeout: "10s")
        try bed.append(jobs, to: "executor.yaml")
        try bed.append(hooks, to: "ingress.yaml")
        // So many processes were started just now that this one may take its time.
        do { try bed.start() } catch { try bed.waitUntilReady() }
    }

    private var batches: [[String]] {
        stride(from: 0, to: count, by: Self.batch).map { start in (start..<min(start + Self.batch, count)).map { "h\($0)" } }
    }

    private var jobs: String {
        var text = ""
        for (index, names) in batches.enumerated() {
            let list = names.joined(separator: ", ")
            text +=
                "  one-\(index): { command: [\"true\"], destinations: [\(list)], destination: caller, timeout: 20s, concurrency: 64 }\n"
            text +=
                "  all-\(index): { command: [hostname], destinations: [\(list), \(index == 0 ? "dead, hole" : "slow")], timeout: 20s }\n"
        }
        for name in ["dead", "hole", "slow"] {
            text += "  \(name): { command: [\"true\"], destinations: [\(name)], timeout: 20s, concurrency: 64 }\n"
        }
        let script =
            "mkdir \(counter.path)/$$; ls \(counter.path) | wc -l >> \(counter.path)/log; sleep 0.2; rmdir \(counter.path)/$$"
        return text + "  count: { command: [sh, -c, '\(script)'], destinations: [h0], timeout: 20s, concurrency: 64 }\n"
    }

    private var hooks: String {
        var text = DeliveryTests.hook("count", "wait: 50s")
        for name in ["dead", "hole", "slow"] { text += DeliveryTests.hook(name, "respond: async") }
        for index in batches.indices {
            text += DeliveryTests.hook("one-\(index)", "destination: { query: host }")
            text += DeliveryTests.hook("all-\(index)", "wait: 50s")
        }
        return text
    }

    /// Enough for a p99.
    private var rounds: Int { max(2, 400 / count) }

    /// One command on every host, some at a time, as one delivery each.
    private func sweep(rounds: Int, senders: Int = 4) throws -> Latencies {
        let next = Mutex(0)
        let port = bed.httpPort
        let total = rounds * count
        let work = (0..<senders).map { _ in
            Background { [count] () -> [Double] in
                let connection = try HTTPConnection(port: port)
                var times: [Double] = []
                while case let number = next.withLock({ number in
                    number += 1; return number - 1
                }), number < total {
                    let host = number % count
                    let begun = Date()
                    let status = try connection.post(
                        "/hooks/one-\(host / Self.batch)?host=h\(host)", body: "{}", headers: ["X-Hookdeck-EventID: \(UUID())"])
                    guard status == 200 else { throw TestBedError("h\(host) answers \(status)") }
                    times.append(-begun.timeIntervalSinceNow * 1000)
                }
                return times
            }
        }
        return Latencies(try work.flatMap { try $0.value })
    }

    @Test func `a dead, a mute and a slow host change nothing for the others, and the pool keeps its limits`() throws {
        let cold = try sweep(rounds: 1)
        let alone = try sweep(rounds: rounds)
        let bed = bed
        // Eight commands run on each bad one, or try to, all the time; more wait in line.
        let isOver = Atomic(false)
        let bad = ["dead", "hole", "slow"].map { name in
            Background {
                let connection = try HTTPConnection(port: bed.httpPort)
                var sent = 0
                while !isOver.load(ordering: .relaxed) {
                    _ = try connection.post("/hooks/\(name)", body: "{}", headers: ["X-Hookdeck-EventID: \(UUID())"])
                    sent += 1
                    usleep(100_000)
                }
                return sent
            }
        }
        sleep(3)
        let beside = try sweep(rounds: rounds)
        isOver.store(true, ordering: .relaxed)
        let sent = try bad.map { try $0.value }
        let (executor, workers) = bed.innerProcesses
        let logins = servers.map { $0.log.components(separatedBy: "Accepted publickey").count - 1 }
        let processes = ([try #require(executor)] + workers).map {
            "\(ProcessFigures.descriptors($0)) descriptors \(ProcessFigures.peakMemory($0)) MiB"
        }
        Figures.print(
            "MANY HOSTS|\(count)|cold: \(cold.text)|alone: \(alone.text)|beside the bad ones (\(sent) jobs): \(beside.text)"
                + "|logins \(logins.reduce(0, +)), hole \(hole.connections)|executor, workers: \(processes)")
        #expect(logins == Array(repeating: 1, count: count), "one connection each")
        // Room for what a machine with two processors does at the same time.
        #expect(beside.median < 3 * alone.median + 20)
        #expect(beside.p99 < 3 * alone.p99 + 200)
        #expect(beside.maximum < 2_000)
        #expect(workers.count == 2)
        for worker in workers { #expect(ProcessFigures.descriptors(worker) < count + 40) }
        #expect(ProcessFigures.peakMemory(try #require(executor)) < 256)
        for worker in workers { #expect(ProcessFigures.peakMemory(worker) < 256) }
    }

    @Test func `jobs for 30 hosts each and a bad one say of each host how it went`() throws {
        let bed = bed
        let answers = batches.indices.map { index in
            Background { try bed.deliver("{}", hook: "all-\(index)", signature: nil, token: nil) }
        }
        var good = 0
        for (index, answer) in answers.enumerated() {
            let answer = try answer.value
            let results = answer.json["destinations"] as? [[String: Any]] ?? []
            for result in results {
                let name = result["destination"] as? String ?? ""
                let isGood = result["status"] as? String == "succeeded"
                #expect(isGood == !["dead", "hole"].contains(name), "\(result)")
                if isGood { good += 1 } else { #expect(result["reason"] as? String == "unreachable", "\(result)") }
            }
            #expect(results.count == batches[index].count + (index == 0 ? 2 : 1), "\(answer.text.prefix(500))")
            #expect((answer.status == 200) == (index > 0), "\(answer.status)")
        }
        #expect(good == count + batches.count - 1)
    }

    @Test func `of 40 commands for one host eight run at a time, over one connection`() throws {
        let bed = bed
        let answers = (0..<40).map { _ in
            Background {
                try HTTPConnection(port: bed.httpPort).post(
                    "/hooks/count", body: "{}", headers: ["X-Hookdeck-EventID: \(UUID())"])
            }
        }
        #expect(try answers.allSatisfy { try $0.value == 200 })
        let counts = try String(contentsOfFile: counter.path + "/log", encoding: .utf8).split(separator: "\n").compactMap {
            Int($0.trimmingCharacters(in: .whitespaces))
        }
        // The log itself is one of the entries.
        let most = (counts.max() ?? 0) - 1
        Figures.print("MANY HOSTS|one host|\(counts.count) commands, at most \(most) at a time")
        #expect(counts.count == 40)
        #expect((2...8).contains(most))
        #expect(servers[0].log.components(separatedBy: "Accepted publickey").count - 1 == 1)
    }
}
