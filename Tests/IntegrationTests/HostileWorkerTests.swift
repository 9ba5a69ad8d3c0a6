import Authentication
import Foundation
import Glibc
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import TestSupport
import Testing

/// What an SSH worker that a host has taken over can make the executor do: nothing beyond the leases it was given.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct HostileWorkerTests {
    /// All the same host, by addresses enough for each worker to have some.
    private static let addresses = (2..<14).map { "127.0.0.\($0)" }
    private static let names = addresses.map { "spread-\($0.split(separator: ".")[3])" }

    private static let jobs = """
          spread:
            command: [echo, honest]
            destinations: [\(names.joined(separator: ", "))]
            destination: caller
            timeout: 10s

        """

    private let bed: TestBed
    private let family: String

    init() throws {
        bed = try TestBed(
            jobs: Self.jobs,
            hooks: DeliveryTests.hook("spread", "respond: sync\n    wait: 30s\n    destination: { payload: /host }"), start: false
        )
        let server = bed.server
        server.stop()
        try server.add(addresses: Self.addresses)
        try server.start()
        try bed.add(
            hosts: try zip(Self.names, Self.addresses).map { try BedHost($0, server, address: $1) }, connectTimeout: "10s")
        try bed.start()
        let bed = bed
        try #require(eventually { bed.executor.text.components(separatedBy: "SSH worker connected").count == 3 })
        family = try HostileWorker.family(bed)
    }

    /// A worker that was taken over, among honest ones.
    private func worker() throws -> HostileWorker {
        let worker = try HostileWorker(in: bed)
        let before = bed.executor.text.components(separatedBy: "SSH worker connected").count
        try worker.hello(family)
        let bed = bed
        try #require(eventually { bed.executor.text.components(separatedBy: "SSH worker connected").count > before })
        return worker
    }

    /// A delivery for each host, all at once, by host.
    private func deliver() -> [String: Background<HookAnswer>] {
        let bed = bed
        return Dictionary(
            uniqueKeysWithValues: Self.names.map { name in
                (name, Background { try bed.deliver("{\"host\":\"\(name)\"}", hook: "spread", signature: nil, token: nil) })
            })
    }

    /// Every host but those of `others` is served by an honest worker.
    private func expectHonest(_ answers: [String: Background<HookAnswer>], but others: Set<String>) throws {
        #expect(!others.isEmpty && others.count < answers.count)
        for (name, answer) in answers where !others.contains(name) {
            #expect(try answer.value["stdout"] == "honest\n", "\(name)")
        }
    }

    /// A login of `user`, as a client asks to have it signed (RFC 4252 section 7).
    private func login(_ lease: WireLease, user: String? = nil, key: [UInt8]? = nil, service: String = "ssh-connection")
        -> [UInt8]
    {
        func string(_ value: some Collection<UInt8>) -> [UInt8] {
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value.count >> $0) } + Array(value)
        }
        return string([UInt8](repeating: 7, count: 32)) + [50] + string((user ?? lease.user).utf8) + string(service.utf8)
            + string("publickey".utf8) + [1] + string("ssh-ed25519".utf8) + string(key ?? [UInt8](lease.publicKey))
    }

    @Test func `it has no key, one signature a lease, and that for the lease's own login alone`() throws {
        let worker = try worker()
        let answers = deliver()
        let lease = try worker.lease()
        let (seed, _) = try KeyFile.secret(in: bed.box.appending(path: "secrets/deploy.key"))
        #expect(try lease.serializedData().range(of: seed) == nil)
        let refused: [(String, [UInt8])] = [
            ("another user", login(lease, user: "root2")),
            ("another key", login(lease, key: Array([UInt8](lease.publicKey).dropLast(32)) + Random.bytes(32))),
            ("another service", login(lease, service: "ssh-userauth")),
            ("more behind it", login(lease) + [0]),
            ("cut off", login(lease).dropLast()),
            ("a signed file (PROTOCOL.sshsig)", Array("SSHSIG".utf8) + [0, 0, 0, 4] + Array("file".utf8)),
            ("nothing", []),
        ]
        for (what, blob) in refused {
            let response = try worker.sign(lease.leaseID, blob)
            #expect(response.signature.isEmpty, "\(what)")
            #expect(response.refusal.hasPrefix("signature refused: "), "\(what): \(response.refusal)")
        }
        #expect(try worker.sign(lease.leaseID, login(lease)).signature.count == 64)
        let second = try worker.sign(lease.leaseID, login(lease))
        #expect(second.signature.isEmpty)
        #expect(second.refusal.contains("given already"))
        try worker.finish(lease.leaseID, .notStarted)
        #expect(try answers[lease.host]?.value.status == 502)
    }

    @Test func `a demand for a lease that it does not hold ends it, and what it held is not a success`() throws {
        let worker = try worker()
        let answers = deliver()
        let lease = try worker.lease()
        try worker.send(
            .with {
                $0.stage = .with {
                    $0.leaseID = lease.leaseID; $0.stage = .starting
                }
            })
        try worker.send(
            .with {
                $0.signRequest = .with {
                    $0.leaseID = lease.leaseID + 1_000
                    $0.blob = .init(login(lease))
                }
            })
        #expect(worker.isClosed())
        let answer = try #require(try answers[lease.host]?.value)
        #expect(answer.status == 500)
        #expect(answer["status"] == "unknown")
        #expect(bed.executor.text.contains("signature asked for a lease it does not hold"))
    }

    @Test func `ends and output of leases that are others' change nothing, and an end twice is one`() throws {
        let worker = try worker()
        let answers = deliver()
        var mine: Set<String> = []
        // Its own leases it leaves alone until all honest ones have ended; the number tells those of the others.
        let first = try worker.lease()
        for id in 1...(first.leaseID + 40) where id != first.leaseID {
            try worker.send(
                .with {
                    $0.output = .with {
                        $0.leaseID = id; $0.stream = .stdout; $0.data = .init("forged\n".utf8)
                    }
                })
        }
        mine.insert(first.host)
        try worker.finish(first.leaseID, .exited, exitCode: 3)
        try worker.finish(first.leaseID, .exited, exitCode: 0)
        while let lease = try? worker.lease() {
            mine.insert(lease.host)
            try worker.finish(lease.leaseID, .exited, exitCode: 3)
        }
        try expectHonest(answers, but: mine)
        // It can lie of what it was given, and of nothing else.
        for name in mine { #expect(try answers[name]?.value.exitCode == 3, "\(name)") }
    }

    @Test func `no hello, a wrong one, two of them, frames of the executor, too large and garbled ones end it`() throws {
        let hello = try Frames.encode(
            .with {
                $0.hello = .with {
                    $0.protocolVersion = Frames.workerVersion; $0.family = family
                }
            } as WireWorkerFrame)
        let attacks: [(String, [UInt8])] = [
            ("no hello", try Frames.encode(.with { $0.finished = .with { $0.leaseID = 1 } } as WireWorkerFrame)),
            ("a protocol of before", try Frames.encode(.with { $0.hello = .with { $0.family = family } } as WireWorkerFrame)),
            (
                "a protocol to come",
                try Frames.encode(
                    .with {
                        $0.hello = .with {
                            $0.protocolVersion = Frames.workerVersion + 1; $0.family = family
                        }
                    }
                        as WireWorkerFrame)
            ),
            (
                "another supervisor's",
                try Frames.encode(
                    .with {
                        $0.hello = .with {
                            $0.protocolVersion = Frames.workerVersion; $0.family = "0011223344556677"
                        }
                    }
                        as WireWorkerFrame)
            ),
            ("two hellos", hello + hello),
            ("a lease", hello + (try Frames.encode(.with { $0.lease = .with { $0.leaseID = 1 } } as WireWorkerFrame))),
            ("a signature", hello + (try Frames.encode(.with { $0.signResponse = .with { $0.leaseID = 1 } } as WireWorkerFrame))),
            ("too large", hello + [0, 1, 0, 1]),
            ("garbled", hello + [0, 0, 0, 3, 0xff, 0xff, 0xff]),
            ("empty", hello + [0, 0, 0, 0]),
        ]
        for (what, bytes) in attacks {
            let worker = try HostileWorker(in: bed)
            try worker.send(bytes)
            #expect(worker.isClosed(), "\(what)")
        }
        for (name, answer) in deliver() { #expect(try answer.value["stdout"] == "honest\n", "\(name)") }
    }
}
