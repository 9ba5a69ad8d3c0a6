#if PostgreSQL
    import Foundation
    import Glibc
    import Synchronization
    import TestSupport
    import Testing

    /// Three pods on one database, hosts of their own sshd, senders that go to any pod, a tenth of what they send a duplicate; each process
    /// and the server are killed and held up at random. Then what senders were told, the journal and the hosts must agree.
    ///
    /// SALLYPORT_CROWD=20000 is that many deliveries to 20 hosts, in place of the short version's.
    @Suite(.serialized, .timeLimit(.minutes(60)))
    struct SharedCrowdTests {
        private static let pods = 3
        private static let senders = 12
        /// Attempts that a sender makes of one delivery, as a queue before the ingress would.
        private static let attempts = 12

        private let deliveries: Int
        private let hosts: Int
        private let database: PostgreSQLServer
        private let name: String
        private let servers: [SSHServer]
        private let beds: [TestBed]
        private let marks: TemporaryFolder

        init() throws {
            let wanted = ProcessInfo.processInfo.environment["SALLYPORT_CROWD"].flatMap { Int($0) }
            (deliveries, hosts) = (wanted ?? 300, wanted == nil ? 4 : 20)
            marks = try TemporaryFolder()
            let script = "echo b >> \(marks.path)/$0; sleep 0.02; echo e >> \(marks.path)/$0"
            let names = (0..<hosts).map { "h\($0)" }
            let jobs = """
                  mark:
                    command: [sh, -c, '\(script)', "{id}"]
                    destinations: [\(names.joined(separator: ", "))]
                    destination: caller
                    timeout: 20s
                    concurrency: 24
                    parameters:
                      id: { pattern: "[0-9-]{1,20}" }

                """
            let hooks = DeliveryTests.hook(
                "mark", "destination: {query: host}\n    parameters: {id: {payload: /id}}\n    wait: 20s")
            database = try PostgreSQLServer()
            name = try database.makeDatabase()
            let (server, name) = (database, name)
            beds = try (0..<Self.pods).map { number in
                let bed = try TestBed(jobs: jobs, hooks: hooks, start: false)
                try bed.useJournal(server, name, as: "sallyport/pod-\(number)")
                return bed
            }
            let keys = try beds.map {
                try String(contentsOf: $0.box.appending(path: "secrets/deploy.key.pub"), encoding: .utf8)
                    .trimmingCharacters(in: .newlines)
            }
            let folder = beds[0].folder
            servers = try (0..<hosts).map { try SSHServer(folder: folder.appending(path: "h\($0)"), authorizedKeys: keys) }
            for server in servers { try server.start() }
            for bed in beds {
                try bed.add(hosts: try servers.enumerated().map { try BedHost("h\($0)", $1) }, connectTimeout: "10s")
                try bed.start()
            }
        }

        @Test func `each event runs as promised though every process is killed and held up`() throws {
            let record = Record()
            let (beds, count, hosts) = (beds, deliveries, hosts)
            let next = Counter()
            let begun = Date()
            let work = (0..<Self.senders).map { number in
                Background { try Self.send(number, of: count, next: next, to: beds, hosts: hosts, record) }
            }
            let faults = Faults(beds, database, seed: 7)
            for sender in work { try sender.value }
            let kinds = try faults.stop()
            let seconds = Date().timeIntervalSince(begun)
            try #require(
                try eventually(within: 120) {
                    try database.sql("SELECT count(*) FROM sallyport.job WHERE finished_at IS NULL", in: name) == "0\n"
                })
            let table = try compare(record)
            Figures.print("CROWD|\(count) deliveries, \(hosts) hosts, \(Int(seconds)) s, faults \(kinds)|\(table)")
            #expect(!kinds.isEmpty)
            for bed in beds {
                #expect(try bed.audit("verify").code == 0)
            }
            // One that found that its jobs are another's may have ended since; its log has all of it when it has started again.
            for bed in beds where !bed.executor.isRunning { try bed.executor.start() }
            let joined = try TestBed.joined(beds)
            Figures.print("CROWD|logs of all pods together|\(joined.takeovers) takeovers, open \(joined.open)")
            #expect(joined.gaps == [])
            #expect(joined.open == 0)
        }

        /// Compares; what there was of each outcome.
        private func compare(_ record: Record) throws -> [String: Int] {
            var jobs: [String: [String]] = [:]
            for line in try database.sql("SELECT event_id, status FROM sallyport.job WHERE status <> 6", in: name)
                .split(separator: "\n")
            {
                let parts = line.split(separator: "|")
                jobs[String(parts[0]), default: []].append(String(parts[1]))
            }
            var table: [String: Int] = [:]
            for (id, told) in record.all {
                let own = jobs["evt_\(id)"] ?? []
                let lines = (try? String(contentsOfFile: "\(marks.path)/\(id)", encoding: .utf8)) ?? ""
                let (ran, ended) = (lines.count { $0 == "b" }, lines.count { $0 == "e" })
                let succeeded = own.count { $0 == Self.succeeded }
                let words = "\(id): told \(told), journal \(own), begun \(ran), ended \(ended)"
                // A success is a run of its own, and only what is said to be unknown or failed may have run beside it.
                #expect(ended >= succeeded && ran <= own.count, "\(words)")
                #expect(succeeded <= 1, "\(words)")
                if told.contains(where: { $0.isSuccess }) { #expect(succeeded == 1, "\(words)") }
                if own.count == 1, succeeded == 1 { #expect(ran == 1 && ended == 1, "\(words)") }
                if told.contains(where: { $0.status / 100 == 2 }) { #expect(!own.isEmpty, "\(words)") }
                let last = told.last { $0.status > 0 }
                table["told \(last.map { "\($0.status) \($0.state)" } ?? "nothing"), ran \(ran)", default: 0] += 1
                table["all", default: 0] += 1
            }
            #expect(record.all.count == deliveries)
            return table
        }

        /// As the journal numbers it.
        private static let succeeded = "3"

        /// Sends until all are sent: each to a random pod until it is accepted, and one in ten once more to another.
        private static func send(
            _ number: Int, of count: Int, next: Counter, to beds: [TestBed], hosts: Int, _ record: Record
        ) throws {
            var numbers = SeededNumbers(UInt64(number))
            var connections: [Int: HTTPConnection] = [:]
            while case let index = next.next(), index < count {
                let id = "\(number)-\(index)"
                for attempt in 1...attempts {
                    let told = try post(
                        id, attempt, host: index % hosts, to: Int.random(in: 0..<beds.count, using: &numbers), beds, &connections)
                    record.add(id, told)
                    if told.status / 100 == 2 || told.state == "unknown" { break }
                    usleep(UInt32.random(in: 100_000...1_000_000, using: &numbers))
                }
                guard Int.random(in: 0..<10, using: &numbers) == 0 else { continue }
                let again = try post(
                    id, 1, host: index % hosts, to: Int.random(in: 0..<beds.count, using: &numbers), beds, &connections)
                record.add(id, again)
            }
        }

        private static func post(
            _ id: String, _ attempt: Int, host: Int, to pod: Int, _ beds: [TestBed], _ connections: inout [Int: HTTPConnection]
        ) throws -> Told {
            guard let connection = connections[pod] ?? (try? HTTPConnection(port: beds[pod].httpPort)) else { return Told() }
            let answer = try? connection.exchange(
                "/hooks/mark?host=h\(host)", body: #"{"id":"\#(id)"}"#,
                headers: ["X-Hookdeck-EventID: evt_\(id)", "X-Hookdeck-Attempt-Count: \(attempt)"])
            connections[pod] = answer == nil ? nil : connection
            guard let answer else { return Told() }
            let json = try? JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any]
            return Told(status: answer.status, state: json?["status"] as? String ?? "")
        }

        /// What a sender was told; status 0 for nothing.
        private struct Told: Sendable, CustomStringConvertible {
            var status = 0
            var state = ""
            var isSuccess: Bool { status == 200 && state == "succeeded" }
            var description: String { "\(status) \(state)" }
        }

        private final class Record: Sendable {
            private let told = Mutex<[String: [Told]]>([:])
            var all: [String: [Told]] { told.withLock { $0 } }
            func add(_ id: String, _ answer: Told) { told.withLock { $0[id, default: []].append(answer) } }
        }

        private final class Counter: Sendable {
            private let value = Atomic(0)
            func next() -> Int { value.add(1, ordering: .relaxed).oldValue }
        }

        /// Kills and holds up one process after the other until it is stopped; what ends is started again.
        private final class Faults: Sendable {
            private enum Kind: String, CaseIterable {
                case executorKilled, gateKilled, ingressKilled, gateHeld, heldBeyondItsLease, serverKilled, serverHeld
            }

            private let isStopped: Flag
            private let work: Background<[String: Int]>

            init(_ beds: [TestBed], _ database: PostgreSQLServer, seed: UInt64) {
                let isStopped = Flag()
                self.isStopped = isStopped
                work = Background {
                    var numbers = SeededNumbers(seed)
                    var counts: [String: Int] = [:]
                    var order: [Kind] = []
                    while !isStopped.isSet {
                        if order.isEmpty { order = Kind.allCases.shuffled(using: &numbers) }
                        let kind = order.removeFirst()
                        let bed = beds[Int.random(in: 0..<beds.count, using: &numbers)]
                        try Self.bring(kind, to: bed, database, &numbers)
                        counts[kind.rawValue, default: 0] += 1
                        // Who finds that its jobs are another's ends, as it should, and is started again, as by systemd.
                        for bed in beds where !bed.executor.isRunning { try bed.executor.start() }
                        usleep(UInt32.random(in: 500_000...3_000_000, using: &numbers))
                    }
                    for bed in beds where !bed.executor.isRunning { try bed.executor.start() }
                    return counts
                }
            }

            /// Ends it, with all processes running again; how many there were of each kind.
            func stop() throws -> [String: Int] {
                isStopped.set()
                return try work.value
            }

            private static func bring(
                _ kind: Kind, to bed: TestBed, _ database: PostgreSQLServer, _ numbers: inout SeededNumbers
            ) throws {
                let pause = UInt32.random(in: 200_000...2_000_000, using: &numbers)
                switch kind {
                case .executorKilled:
                    // The gate and its workers before the supervisor, whose end would have them stop in order.
                    kill(bed.executor.pid, SIGSTOP)
                    for pid in bed.processes("sallyport-executor") + bed.processes("sallyport-ssh-worker")
                    where pid != bed.executor.pid { kill(pid, SIGKILL) }
                    bed.executor.stop(SIGKILL)
                    usleep(pause)
                    try bed.executor.start()
                case .gateKilled: if let gate = bed.process("sallyport-executor run") { kill(gate, SIGKILL) }
                case .ingressKilled:
                    bed.ingress.stop(SIGKILL)
                    usleep(pause)
                    try bed.ingress.start()
                case .gateHeld: hold(bed, pause)
                case .heldBeyondItsLease: hold(bed, 20_000_000)
                case .serverKilled:
                    database.stop(SIGKILL)
                    usleep(pause)
                    // The processes of the killed one end when they find that it is gone; until then it does not start.
                    var error: (any Error)?
                    for _ in 0..<20 {
                        do {
                            try database.start()
                            return
                        } catch let other { error = other }
                    }
                    if let error { throw error }
                case .serverHeld:
                    // The whole of it: a backend that goes on would answer.
                    let processes = database.processes
                    for pid in processes { kill(pid, SIGSTOP) }
                    usleep(2 * pause)
                    for pid in processes { kill(pid, SIGCONT) }
                }
            }

            private static func hold(_ bed: TestBed, _ microseconds: UInt32) {
                guard let gate = bed.process("sallyport-executor run") else { return }
                kill(gate, SIGSTOP)
                usleep(microseconds)
                kill(gate, SIGCONT)
            }
        }

        private final class Flag: Sendable {
            private let value = Atomic(false)
            var isSet: Bool { value.load(ordering: .relaxed) }
            func set() { value.store(true, ordering: .relaxed) }
        }
    }
#endif
