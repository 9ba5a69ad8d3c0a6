internal import FoundationEssentials
internal import ProtocolMessages
internal import SwiftProtobuf

/// One command on one channel, from its line of control input to the trailer. Pure of input and output: it is driven by its connection.
final class LeaseRun {
    /// How long the host may take from the command's line to the prelude's `begin`, in milliseconds.
    static let startLimit = 15_000
    /// How long the trailer may be late after deadline and grace time, in milliseconds.
    static let trailerDelay = 2_000
    /// Bytes of output in a result, both streams together: a result is one frame of 64 KiB.
    static let maximumOutput = 60 * 1024

    /// Why the worker stops the command.
    enum Stop { case cancel, timeout }

    let lease: WireLease
    /// Both trailers are there, or neither will come any more.
    private(set) var hasEnded = false
    let processGroup: UInt32
    private(set) var stop: Stop?
    /// The host's own deadline is over.
    private(set) var isTimedOutOnHost = false
    /// The host ended the command because its control input was over, or who read it there was ended.
    private(set) var isCancelledOnHost = false
    /// Names the systemd unit, where the command has one.
    let nonce: String
    /// The command is, or was, in its systemd unit.
    private(set) var isInUnit = false
    /// An earlier attempt of the job has its lock.
    private var isHeld = false
    /// Why it can have no lock there.
    private var unsuitable: String?
    private var scanners: [MarkScanner]
    private var collectors: [OutputCollector]
    private var exitCodes: [Int32?] = [nil, nil]
    /// Why there is no trailer.
    private var lostBecause: String?
    private var isConnectionLost = false
    /// The channel or the prelude ended in order and the prelude never said `begin`: the command did not run.
    private var neverBegan = false
    private var input: [UInt8]
    private var sent = 0
    let begunAt: Int
    private var startedAt: Int?
    /// Output to pass on while the command runs.
    var onOutput: (WireStream, ArraySlice<UInt8>) -> Void = { _, _ in }
    /// The prelude said that the command runs.
    var onStart: (UInt32) -> Void = { _ in }

    /// Takes over a prelude that is ready.
    ///
    /// - Throws: ``PreludeError`` when the command cannot be sent to any host.
    init(_ lease: WireLease, body: [UInt8], on prelude: WaitingPrelude, now: Int) throws(PreludeError) {
        self.lease = lease
        begunAt = now
        processGroup = prelude.processGroup ?? 0
        scanners = prelude.scanners
        nonce = prelude.nonce
        var (arguments, environment) = (lease.arguments, lease.environment)
        if lease.inSystemdUnit {
            let limit = Int(lease.timeoutMs) + Int(lease.graceMs)
            arguments = SystemdUnit.arguments(arguments, nonce: nonce, limit: limit)
            environment = SystemdUnit.environment(environment, nonce: nonce)
        }
        input = try Prelude.command(
            processGroup: processGroup, arguments: arguments, environment: environment,
            deadline: Int(lease.timeoutMs), grace: Int(lease.graceMs), body: lease.hasBody_p ? body.count : nil,
            lock: lease.lock.isEmpty ? nil : lease.lock)
        let stdoutLimit = min(Int(lease.stdoutLimit), Self.maximumOutput)
        let stderrLimit = min(Int(lease.stderrLimit), Self.maximumOutput - stdoutLimit)
        collectors = [OutputCollector(limit: stdoutLimit), OutputCollector(limit: stderrLimit)]
        if lease.hasBody_p { input += body + [0x0a] }
    }

    /// Control input that is still to be written.
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
            case .begin:
                guard startedAt == nil else { break }
                startedAt = now
                onStart(processGroup)
            case .timeout: isTimedOutOnHost = true
            case .cancel: isCancelledOnHost = true
            case .inUnit: isInUnit = true
            case .held: isHeld = true
            case .unsuitable(let what): unsuitable = what
            case .exit(let code): if exitCodes[index] == nil { exitCodes[index] = code }
            case .ready, .ended: break
            }
        }
        guard !exitCodes.contains(nil), !hasEnded else { return }
        guard hasTrailer else { return lost("its two trailers contradict each other") }
        // What has an end and no beginning is the waiting shell.
        neverBegan = !scanners.contains(where: \.isBegun)
        hasEnded = true
    }

    /// The host has ended the channel in order: what it had to say has been read.
    func channelEnded() {
        guard !hasEnded else { return }
        neverBegan = !scanners.contains(where: \.isBegun)
        lost("the channel ended without a trailer")
    }

    /// No trailer will come, for a reason that stands in the result.
    func lost(_ because: String, withConnection: Bool = false) {
        guard !hasEnded else { return }
        isConnectionLost = withConnection
        for index in scanners.indices { scanners[index].flush { collectors[index].append($0) } }
        lostBecause = because
        hasEnded = true
    }

    /// The worker or the operator ends the command.
    func end(_ why: Stop) { if stop == nil { stop = why } }

    /// When the worker must act if the host has not: milliseconds of the worker's clock.
    var deadline: Int {
        let limit = Int(lease.timeoutMs) + Int(lease.graceMs) + Self.trailerDelay
        return startedAt.map { $0 + limit } ?? begunAt + Self.startLimit
    }

    /// The host said that the command runs.
    var hasStarted: Bool { startedAt != nil }

    /// The host has not said that the command runs, nor that it will not: an earlier attempt may have the lock.
    var waitsForLock: Bool { !lease.lock.isEmpty && !hasStarted && !neverBegan }

    /// Both streams say the same.
    private var hasTrailer: Bool { exitCode != nil }
    private var exitCode: Int32? { exitCodes[0] == exitCodes[1] ? exitCodes[1] : nil }
}

extension LeaseRun {
    /// Its result, once it has ended. `groupGone`: the host was asked afterwards and says that the process group is gone.
    func finished(now: Int, groupGone: Bool) -> WireLeaseFinished {
        .with {
            $0.leaseID = lease.leaseID
            $0.stdout = .init(collectors[0].bytes)
            $0.stderr = .init(collectors[1].bytes)
            $0.stdoutTotal = UInt64(collectors[0].total)
            $0.stderrTotal = UInt64(collectors[1].total)
            $0.groupGone = groupGone
            $0.durationMs = UInt64(max(0, now - (startedAt ?? begunAt)))
            judge(&$0, now: now)
        }
    }

    private func judge(_ result: inout WireLeaseFinished, now: Int) {
        let host = lease.host
        let what = lease.inSystemdUnit ? "its systemd unit and its process group are" : "its process group is"
        let group = "\(what) \(result.groupGone ? "gone" : "NOT known to be gone")"
        if neverBegan {
            result.outcome = .notStarted
            (result.reason, result.error) = whyNotBegun
        } else if !hasTrailer, !result.groupGone, stop != .timeout || isConnectionLost {
            result.outcome = .unknown
            result.reason = .outcomeUnknown
            result.error = "\(lostBecause ?? "no trailer"); whether the command on \(host) ended well is not known"
        } else if stop == .cancel {
            result.outcome = .cancelled
            result.reason = .cancelled
            result.error = "the command on \(host) was cancelled; \(group)"
        } else if stop == .timeout || isTimedOutOnHost {
            result.outcome = .timedOut
            result.reason = .timeout
            result.error = "the command on \(host) ran past its timeout of \(lease.timeoutMs) ms; \(group)"
        } else if isCancelledOnHost {
            // It may have ended well because it was told to end, so its exit code says nothing.
            result.outcome = .unknown
            result.reason = .outcomeUnknown
            result.error = "the command on \(host) was ended there, and nobody had cancelled it; \(group)"
        } else if lease.inSystemdUnit, !isInUnit {
            result.outcome = .notStarted
            result.reason = .hostUnsuitable
            let said = SSHFailure.printable(String(decoding: collectors[1].bytes, as: UTF8.self))
            result.error =
                "the job wants a systemd unit of its own, and \(host) gives it none\(said.isEmpty ? "" : ": \(said.debugDescription)"); try there, "
                + "as the user that logs in: systemd-run \(lease.user == "root" ? "" : "--user ")--scope true"
        } else if let exitCode {
            result.outcome = .exited
            result.exitCode = exitCode
        }
    }

    private var whyNotBegun: (WireReason, String) {
        let host = lease.host
        if stop == .cancel { return (.cancelled, "cancelled before the command began on \(host)") }
        if isHeld {
            return (
                .busy,
                "an earlier attempt of this job still runs on \(host): it holds \(lockPath) there, and fuser(1) says which process that is"
            )
        }
        if let unsuitable {
            let what =
                unsuitable == "flock"
                ? "flock(1), which is missing; install util-linux there"
                : "a folder \(SSHFailure.printable(unsuitable)) of \(lease.user)'s own, where it can write; look whose it is"
            return (.hostUnsuitable, "a job with `interrupted: retry` needs on \(host) \(what)")
        }
        return (.unreachable, "the shell that waited on \(host) ended before the command began")
    }

    private var lockPath: String { "\(Prelude.lockFolder)\(lease.user)/\(lease.lock)" }
}
