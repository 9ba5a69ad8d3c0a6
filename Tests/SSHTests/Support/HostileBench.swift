import Foundation
import Glibc
import HostileHost
import ProtocolMessages
import TestSupport

@testable import SSH

/// A worker process, sealed as it always is, between an executor of the test's own, one hostile host and a real sshd.
final class HostileBench {
    /// What a worker may hold at most, in KiB: so much may a hostile host make it use.
    static let memoryLimit = 96 * 1024

    let host: HostileHost
    let sshd: PrivateSSHD
    let executor: FakeExecutor
    private let folder: TemporaryFolder

    init(_ misbehaviour: Misbehaviour, times: Int = .max) throws {
        host = try HostileHost(misbehaviour, times: times)
        sshd = try PrivateSSHD()
        folder = try TemporaryFolder()
        let (ports, log) = ([host.port, Int(sshd.port)], URL(filePath: folder.path + "/worker.log"))
        let binary = try Self.binary
        executor = try FakeExecutor(sshd) { socket in
            let daemon = Daemon(binary, ["--socket", socket] + ports.flatMap { ["--port", "\($0)"] }, log: log)
            try daemon.start()
            while daemon.isRunning { usleep(20_000) }
            guard case let code = daemon.stop(), code != 0 else { return }
            throw TestBedError("the worker ended with code \(code): \(daemon.text)")
        }
    }

    deinit {
        host.stop()
        if let pid = try? workerID() { kill(pid, SIGKILL) }
        executor.stop()
        // The executor's threads may hold on to it until the process is over.
        sshd.stop()
        try? FileManager.default.removeItem(atPath: sshd.folder)
    }

    private static var binary: String {
        get throws {
            let folder =
                ProcessInfo.processInfo.environment["SALLYPORT_BINARIES"]
                ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path
            guard access("\(folder)/sallyport-ssh-worker", X_OK) == 0 else {
                throw TestBedError("\(folder)/sallyport-ssh-worker is not there; run scripts/test, which sets SALLYPORT_BINARIES")
            }
            return "\(folder)/sallyport-ssh-worker"
        }
    }

    func workerID() throws -> pid_t { pid_t(try executor.workerHello().processID) }

    /// A lease for the hostile host.
    func lease(_ change: (inout WireLease) -> Void = { _ in }) throws -> UInt64 {
        try executor.lease(["true"]) {
            $0.host = "evil"
            $0.port = UInt32(host.port)
            $0.hostKeys = [.init(host.hostKey)]
            $0.connectTimeoutMs = 2_000
            $0.timeoutMs = 2_000
            $0.graceMs = 200
            change(&$0)
        }
    }

    /// What became of a lease, and of the others meanwhile.
    struct Outcome: Sendable {
        let result: WireLeaseFinished
        /// Commands that ran well on the sshd meanwhile, and the longest that one took, in milliseconds.
        let others: (count: Int, slowest: Int)
        /// The most memory the worker has had so far, in KiB.
        let memory: Int
    }

    /// Waits for a lease while commands run on the sshd, one after the other.
    func outcome(of id: UInt64, within seconds: Double) throws -> Outcome {
        let end = Date().addingTimeInterval(seconds)
        var others = (count: 0, slowest: 0)
        while true {
            let begun = Monotonic.now()
            let other = try executor.run(["true"])
            guard other.outcome == .exited, other.exitCode == 0 else { throw TestBedError("another host's command: \(other)") }
            others = (others.count + 1, max(others.slowest, Monotonic.now() - begun))
            if let result = try? executor.result(id, within: 0.02) {
                return Outcome(result: result, others: others, memory: try memory())
            }
            guard Date() < end else { throw TestBedError("no result within \(seconds) s; \(try memory()) KiB, others \(others)") }
        }
    }

    /// VmHWM of the worker.
    func memory() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(try workerID())/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        guard let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw TestBedError("the worker has no memory: \(status)")
        }
        return kilobytes
    }
}
