import Foundation
import HostileHost
import ProtocolMessages
import Synchronization
import TestSupport
import Testing

@testable import SSH

/// Hosts that do not do as they should, against the real worker: it says how it ended, never that all went well, within its time and
/// memory, and serves another host meanwhile.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct HostileHostTests {
    /// How long another host's command may take meanwhile, in milliseconds; without a hostile host it is 10 or so.
    private static let delay = 10_000
    /// Of those that make one wait, so many at a time, each with a worker of its own.
    private static let width = 4

    private struct Report: Sendable {
        let misbehaviour: Misbehaviour
        let outcome: HostileBench.Outcome
        let commands: Int
        let isOtherServed: Bool
        /// What another command for the hostile host came to.
        let next: WireLeaseOutcome?
        var result: WireLeaseFinished { outcome.result }
    }

    @Test func `a scan of a host that never stops sending ends at its deadline`() throws {
        let endless = Misbehaviour.beforeLogin.filter { "\($0)".hasPrefix("endless") && !"\($0)".contains("login") }
        #expect(!endless.isEmpty)
        for misbehaviour in endless {
            let host = try HostileHost(misbehaviour)
            let begun = Monotonic.now()
            #expect(throws: WorkerFailure.self, "\(misbehaviour)") {
                try HostScan.keys(address: "127.0.0.1", port: UInt16(host.port), timeout: 500)
            }
            #expect(Monotonic.now() - begun < 10_000, "\(misbehaviour)")
        }
    }

    private static func report(
        _ misbehaviour: Misbehaviour, within seconds: Double, isAgain: Bool, _ change: (inout WireLease) -> Void
    ) throws -> Report {
        do {
            let bench = try HostileBench(misbehaviour)
            // The worker's own connection to the other host is there before.
            _ = try bench.executor.run(["true"])
            let begun = Monotonic.now()
            let outcome = try bench.outcome(of: bench.lease(change), within: seconds)
            let result = outcome.result
            if ProcessInfo.processInfo.environment["SALLYPORT_FIGURES"] != nil {
                print(
                    "HOSTILE|\(misbehaviour)|\(result.outcome) \(result.reason) \(result.exitCode)|\(Monotonic.now() - begun) ms"
                        + "|\(outcome.memory / 1024) MiB|\(outcome.others.slowest) ms of \(outcome.others.count)|\(result.error)")
            }
            return Report(
                misbehaviour: misbehaviour, outcome: outcome, commands: bench.host.commands,
                isOtherServed: try bench.executor.run(["true"]).outcome == .exited,
                next: isAgain ? try bench.executor.result(bench.lease(), within: 8).outcome : nil)
        } catch {
            throw TestBedError("\(misbehaviour): \(error)")
        }
    }

    /// Runs a command on a host of each kind, and says what must hold of all of them.
    private func run(
        _ misbehaviours: [Misbehaviour], within seconds: Double, isAgain: Bool = false,
        _ change: @escaping @Sendable (inout WireLease) -> Void = { _ in }
    ) throws -> [Report] {
        let next = Atomic(0)
        let work = (0..<min(Self.width, misbehaviours.count)).map { _ in
            Background {
                var reports: [Result<Report, any Error>] = []
                while case let index = next.add(1, ordering: .relaxed).oldValue, index < misbehaviours.count {
                    reports.append(
                        Result { try Self.report(misbehaviours[index], within: seconds, isAgain: isAgain, change) })
                }
                return reports
            }
        }
        var reports: [Report] = []
        for result in try work.flatMap({ try $0.value }) {
            switch result {
            case .success(let report): reports.append(report)
            case .failure(let error): Issue.record("\(error)")
            }
        }
        for report in reports {
            let (name, result) = (report.misbehaviour.description, report.result)
            #expect(report.outcome.others.slowest < Self.delay, "\(name)")
            #expect(report.outcome.memory < HostileBench.memoryLimit, "\(name)")
            #expect(report.isOtherServed, "\(name)")
            // What was sent there may have run.
            if report.commands > 0 { #expect(result.outcome != .notStarted, "\(name)") }
            if result.outcome != .exited {
                #expect(result.error.contains("evil") || result.error.contains("127.0.0.1:"), "\(name): \(result.error)")
            }
        }
        return reports
    }

    @Test func `before login: nothing has started, and it is said what was wrong`() throws {
        for report in try run(Misbehaviour.beforeLogin, within: 4) {
            #expect(report.result.outcome == .notStarted, "\(report.misbehaviour)")
            #expect([.unreachable, .authentication].contains(report.result.reason), "\(report.misbehaviour)")
            #expect(report.commands == 0, "\(report.misbehaviour)")
        }
    }

    @Test func `without a shell nothing has started`() throws {
        for report in try run(Misbehaviour.withoutShell, within: 8) + run(Misbehaviour.withoutShellForLong, within: 20) {
            #expect(report.result.outcome == .notStarted, "\(report.misbehaviour)")
            #expect(report.commands == 0, "\(report.misbehaviour)")
        }
    }

    @Test func `without proof of its end a command is unknown`() throws {
        for report in try run(Misbehaviour.withoutProof, within: 8) {
            #expect(report.result.outcome == .unknown, "\(report.misbehaviour)")
            #expect(report.result.reason == .outcomeUnknown, "\(report.misbehaviour)")
            #expect(report.commands == 1, "\(report.misbehaviour)")
            // Told by the session itself, so that it does not matter which call of libssh2's meets the packet.
            if "\(report.misbehaviour)".contains("wrong MAC") {
                #expect(report.result.error.contains("a packet came with a wrong MAC"))
            }
        }
    }

    @Test func `a command that does not end is ended by its deadline`() throws {
        for report in try run(Misbehaviour.withoutEnd, within: 20) {
            #expect([.timedOut, .unknown].contains(report.result.outcome), "\(report.misbehaviour)")
            #expect(report.commands == 1, "\(report.misbehaviour)")
        }
    }

    @Test func `a command whose end is proved has ended, whatever else the host does, and the next one finds a way`() throws {
        for report in try run(Misbehaviour.withProof, within: 8, isAgain: true) {
            #expect(report.result.outcome == .exited, "\(report.misbehaviour)")
            #expect(report.result.exitCode == 0, "\(report.misbehaviour)")
            #expect(report.next == .exited, "\(report.misbehaviour)")
        }
    }

    @Test
    func
        `a host that is silent while the command runs, and does not answer to keepalive, is given up before the command's deadline`()
        throws
    {
        let report = try #require(try run([.silent], within: 60) { $0.timeoutMs = 300_000 }.first)
        #expect(report.result.outcome == .unknown)
        #expect(report.result.error.contains("has not answered for"))
    }

    @Test func `a host that asks without an end and takes no answer is given up when 4 MiB wait for it`() throws {
        let report = try #require(try run([.questions], within: 50) { $0.timeoutMs = 60_000 }.first)
        #expect(report.result.outcome == .unknown)
        #expect(report.result.error.contains("the host asks for answers that it does not take"))
    }

    @Test func `a host that never takes what it is sent`() throws {
        let bench = try HostileBench(.deaf)
        let id = try bench.executor.lease(["cat"], body: [UInt8](repeating: 0x61, count: 1 << 20)) {
            $0.host = "evil"
            $0.port = UInt32(bench.host.port)
            $0.hostKeys = [.init(bench.host.hostKey)]
            $0.timeoutMs = 2_000
        }
        let outcome = try bench.outcome(of: id, within: 20)
        #expect(outcome.result.outcome == .unknown)
        #expect(outcome.memory < HostileBench.memoryLimit)
    }

    @Test func `output of 10 MB a second on both streams for longer than what is kept is drained, counted and cut`() throws {
        let result = try #require(try run([.fast(seconds: 3)], within: 15) { $0.timeoutMs = 12_000 }.first).result
        #expect(result.outcome == .exited)
        #expect(result.exitCode == 7)
        #expect(result.stdoutTotal >= 30_000_000 && result.stderrTotal >= 30_000_000)
        #expect(result.stdout.count <= 4096 && result.stderr.count <= 4096)
        #expect(String(decoding: result.stdout, as: UTF8.self).contains("bytes cut …]"))
    }

    @Test func `a host with another key when the connection is made anew is refused, and is told no command`() throws {
        let bench = try HostileBench(.none)
        let pinned = bench.host.hostKey
        #expect(try bench.executor.result(bench.lease()).outcome == .exited)
        try bench.host.changeHostKey()
        bench.host.dropConnections()
        let result = try bench.executor.result(bench.lease { $0.hostKeys = [.init(pinned)] })
        #expect(result.outcome == .notStarted)
        #expect(result.reason == .hostKey)
        #expect(result.error.contains("sallyport hosts scan 127.0.0.1 --port \(bench.host.port)"))
        #expect(bench.host.commands == 1)
        #expect(bench.host.connections == 2)
    }

    @Test func `a host that is honest again is served again`() throws {
        let bench = try HostileBench(Misbehaviour.withoutProof[0], times: 1)
        #expect(try bench.executor.result(bench.lease()).outcome == .unknown)
        #expect(try bench.executor.result(bench.lease()).outcome == .exited)
    }
}
