internal import Authentication
internal import FoundationEssentials
internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

/// One command on one channel, from the exec request to the trailer. Pure of input and output: it is driven by its connection.
final class LeaseRun {
    /// How long the host may take from the exec request to the prelude's `start`, and how long the trailer may be late, in milliseconds.
    static let startLimit = 20_000
    static let trailerDelay = 2_000

    /// Where it stands.
    enum Phase { case starting, running, ended }

    /// Why the worker stops the command.
    enum Stop { case cancel, timeout }

    let lease: WireLease
    let body: [UInt8]
    private(set) var phase = Phase.starting
    private(set) var processGroup: UInt32?
    private(set) var stop: Stop?
    private(set) var exitCode: Int32?
    private(set) var unsuitable: String?
    private let nonce = Hex.encode(Random.bytes(16))
    private var scanners: [MarkScanner]
    private var collectors: [OutputCollector]
    private var trailers = [false, false]
    private var input: [UInt8]
    private var sent = 0
    private(set) var startedAt: Int?
    private let begunAt: Int
    /// Output to pass on while the command runs.
    var onOutput: (WireStream, ArraySlice<UInt8>) -> Void = { _, _ in }
    /// The prelude said that the command runs.
    var onStart: (UInt32) -> Void = { _ in }

    init(_ lease: WireLease, body: [UInt8], now: Int) {
        self.lease = lease
        self.body = body
        begunAt = now
        scanners = [MarkScanner(nonce: Array(nonce.utf8)), MarkScanner(nonce: Array(nonce.utf8))]
        collectors = [OutputCollector(limit: Int(lease.stdoutLimit)), OutputCollector(limit: Int(lease.stderrLimit))]
        input = Array("\(nonce)\n".utf8) + body
    }

    /// What is sent as the exec request; nil when an argument cannot be quoted.
    var commandLine: String? {
        Prelude.line(
            arguments: lease.arguments, environment: lease.environment, deadline: Int(lease.timeoutMs), grace: Int(lease.graceMs),
            body: lease.hasBody_p ? body.count : nil)
    }

    /// The host runs the prelude.
    func executed() { if phase == .starting { phase = .running } }

    /// Standard input that is still to be written.
    var unsent: ArraySlice<UInt8> { input[sent...] }
    func wrote(_ count: Int) {
        sent += count
        if sent == input.count { input.removeAll(); sent = 0 }
    }

    /// Takes bytes of a stream.
    func received(_ bytes: [UInt8], stderr: Bool, now: Int) {
        let index = stderr ? 1 : 0
        let marks = scanners[index].scan(bytes[...]) { output in
            collectors[index].append(output)
            onOutput(stderr ? .stderr : .stdout, output)
        }
        for mark in marks {
            switch mark {
            case .begin: break
            case .start(let group):
                processGroup = group
                startedAt = now
                onStart(group)
            case .exit(let code):
                trailers[index] = true
                exitCode = code
            case .unsuitable(let what): unsuitable = what
            }
        }
        if trailers == [true, true] || unsuitable != nil { phase = .ended }
    }

    /// The channel or the connection ended.
    func lost() {
        for index in scanners.indices {
            scanners[index].flush { collectors[index].append($0) }
        }
        phase = .ended
    }

    /// The worker or the operator ends the command.
    func end(_ why: Stop) { if stop == nil { stop = why } }

    /// When the worker must act if the host has not: milliseconds of the worker's clock.
    var deadline: Int {
        let limit = Int(lease.timeoutMs) + Int(lease.graceMs) + Self.trailerDelay
        return startedAt.map { $0 + limit } ?? begunAt + Self.startLimit
    }

    /// The prelude's own deadline ended the command: timeout(1) says 124, or 137 when it took KILL, and not before the time was over.
    func hostTimedOut(now: Int) -> Bool {
        guard let startedAt, let exitCode, exitCode == 124 || exitCode == 137 else { return false }
        return now - startedAt >= Int(lease.timeoutMs)
    }

    /// Its result, once it has ended.
    func finished(now: Int, groupGone: Bool, lostBecause: String?) -> WireLeaseFinished {
        .with {
            $0.leaseID = lease.leaseID
            $0.stdout = .init(collectors[0].bytes)
            $0.stderr = .init(collectors[1].bytes)
            $0.stdoutTotal = UInt64(collectors[0].total)
            $0.stderrTotal = UInt64(collectors[1].total)
            $0.groupGone = groupGone
            $0.durationMs = UInt64(max(0, now - (startedAt ?? begunAt)))
            judge(&$0, now: now, lostBecause: lostBecause)
        }
    }

    private func judge(_ result: inout WireLeaseFinished, now: Int, lostBecause: String?) {
        let host = lease.host
        if let unsuitable {
            result.outcome = .notStarted
            result.reason = .hostUnsuitable
            result.error = "host \(host) has no `\(unsuitable)` on its PATH; install coreutils there"
        } else if stop == .timeout || hostTimedOut(now: now) {
            result.outcome = .timedOut
            result.reason = .timeout
            let gone = result.groupGone ? "its process group is gone" : "its process group is NOT known to be gone"
            result.error = "the command on \(host) ran past its timeout of \(lease.timeoutMs) ms; \(gone)"
        } else if stop == .cancel {
            result.outcome = .cancelled
            result.reason = .cancelled
            result.error = "the command on \(host) was cancelled"
        } else if trailers == [true, true], let exitCode {
            result.outcome = .exited
            result.exitCode = exitCode
        } else {
            result.outcome = .unknown
            result.reason = .outcomeUnknown
            result.error = "\(lostBecause ?? "the channel ended without a trailer"); whether the command on \(host) ended well is not known"
        }
    }
}
