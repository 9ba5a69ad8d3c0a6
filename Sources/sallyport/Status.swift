import ArgumentParser
import JSON
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import Telemetry

/// `sallyport status`
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say on one screen how the executor is: what is wrong first.",
        discussion: """
            Exit codes: 0 all is well, 1 something is wrong, 3 the executor is not reachable.

            Examples:
              sallyport status
              sallyport status --json | jq .problems
            """)

    @OptionGroup var admin: AdminOptions

    func run() throws {
        try reporting {
            var (status, hosts): (WireExecutorStatus?, [WireHostStatus]) = (nil, [])
            try AdminClient(path: admin.socket).ask(.with { $0.getStatus = .init() }) { part in
                switch part {
                case .status(let part): status = part
                case .host(let host): hosts.append(host)
                default: break
                }
            }
            guard let status else {
                throw CommandFailure("the executor does not know `status`; it is of an older version", code: .unavailable)
            }
            if admin.json {
                Output.line(StatusText.json(status, hosts))
            } else {
                StatusText.lines(status, hosts, width: Output.width).forEach(Output.line)
            }
            guard status.problems.isEmpty else { throw ExitCode(CommandFailure.Code.failed.rawValue) }
        }
    }
}

/// The executor's status for people and for programs.
enum StatusText {
    /// - Parameter width: columns of the terminal; longer lines are cut.
    static func lines(_ status: WireExecutorStatus, _ hosts: [WireHostStatus], width: Int?) -> [String] {
        func ago(_ time: Int64) -> String { time == 0 ? "never" : Timestamp.span(status.nowMs - time) + " ago" }
        var lines = [
            status.problems.isEmpty
                ? "all is well" : "NOT WELL: \(status.problems.count) \(status.problems.count == 1 ? "thing" : "things")"
        ]
        lines += status.problems.map { "  - \($0)" }
        lines.append(
            "executor     \(status.version), up \(Timestamp.span(status.nowMs - status.startedAtMs)) since \(Timestamp.text(status.startedAtMs)), Landlock \(status.landlock)"
        )
        lines.append("policy       \(status.policyDigest.prefix(16)), read \(ago(status.policyReadAtMs))")
        if status.reloadedAtMs > 0 {
            let outcome = status.reloadProblem.isEmpty ? "taken" : "refused: \(status.reloadProblem)"
            lines.append("last reload  \(ago(status.reloadedAtMs)), \(outcome)")
        }
        lines.append(
            "jobs         \(status.jobsRunning) running, \(status.jobsWaiting) in line, \(status.jobsPostponed) postponed, \(status.deadLetters) dead letters"
        )
        lines.append(
            "journal      \(size(status.journal.bytes)), \(size(status.journal.freeBytes)) of it free, \(status.journal.path)")
        if !status.journal.error.isEmpty {
            lines.append("             failed \(ago(status.journal.failedAtMs)): \(status.journal.error)")
        }
        lines.append(
            "audit log    \(status.audit.records) records, \(status.audit.signed) of them under a checkpoint, signed \(status.audit.signedAtMs == 0 ? "before the start" : ago(status.audit.signedAtMs))"
        )
        for ingress in status.ingresses {
            let state =
                ingress.connectedAtMs == 0
                ? "NOT CONNECTED"
                : "connected for \(Timestamp.span(status.nowMs - ingress.connectedAtMs)), key \(ingress.keyID), \(ingress.inFlight) in flight"
            lines.append("ingress      \(ingress.name): \(state)")
        }
        for worker in status.workers {
            lines.append(
                "SSH worker   pid \(worker.pid), for \(Timestamp.span(status.nowMs - worker.connectedAtMs)), \(worker.leases) commands"
                    + (worker.place.isEmpty ? "" : ", \(worker.place) alone")
            )
        }
        lines.append("             \(status.workersLost) workers ended since the start")
        lines = lines.map { cut(PrintableText.escaping($0), width) }
        lines[0] = status.problems.isEmpty ? Style.good(lines[0]) : Style.bad(lines[0])
        var table = Table(["HOST", "STATE", "RUNNING", "LAST", "ERROR"])
        for host in hosts {
            table.add([
                host.name, state(host), "\(host.running)/\(host.places)", ago(host.lastAtMs),
                host.unusable.isEmpty ? host.lastError : host.unusable,
            ])
        }
        return lines + table.lines(width: width)
    }

    static func state(_ host: WireHostStatus) -> String {
        if !host.unusable.isEmpty { return "unusable" }
        if !host.breaker.isEmpty { return "left alone" }
        if host.lastAtMs == 0 { return "not used yet" }
        return host.lastReason == .unspecified ? "good" : JobNames.name(host.lastReason)
    }

    private static func cut(_ line: String, _ width: Int?) -> String {
        guard let width, line.count > width else { return line }
        return line.prefix(max(1, width - 1)) + "…"
    }

    private static func size(_ bytes: UInt64) -> String {
        bytes < 10 * 1024 * 1024 ? "\(bytes / 1024) KiB" : "\(bytes / 1024 / 1024) MiB"
    }

    static func json(_ status: WireExecutorStatus, _ hosts: [WireHostStatus]) -> String {
        var json = JSONWriter()
        json.beginObject()
        json.name("healthy")
        json.bool(status.problems.isEmpty)
        json.array("problems", status.problems) { $0.string($1) }
        json.fields([("version", status.version), ("policy", status.policyDigest), ("reloadProblem", status.reloadProblem)])
        json.numbers([
            ("nowMs", status.nowMs), ("startedAtMs", status.startedAtMs), ("policyReadAtMs", status.policyReadAtMs),
            ("reloadedAtMs", status.reloadedAtMs), ("landlock", Int64(status.landlock)),
            ("jobsRunning", Int64(status.jobsRunning)),
            ("jobsWaiting", Int64(status.jobsWaiting)), ("jobsPostponed", Int64(status.jobsPostponed)),
            ("deadLetters", Int64(status.deadLetters)), ("workersExpected", Int64(status.workersExpected)),
            ("workersLost", Int64(status.workersLost)),
        ])
        json.name("draining")
        json.bool(status.draining)
        json.name("journal")
        json.beginObject()
        json.fields([("path", status.journal.path), ("error", status.journal.error)])
        json.numbers([
            ("bytes", Int64(clamping: status.journal.bytes)), ("freeBytes", Int64(clamping: status.journal.freeBytes)),
            ("failedAtMs", status.journal.failedAtMs),
        ])
        json.endObject()
        json.name("audit")
        json.beginObject()
        json.fields([("error", status.audit.error)])
        json.numbers([
            ("records", Int64(clamping: status.audit.records)), ("signed", Int64(clamping: status.audit.signed)),
            ("signedAtMs", status.audit.signedAtMs),
        ])
        json.endObject()
        json.array("ingresses", status.ingresses) { json, ingress in
            json.beginObject()
            json.fields([("name", ingress.name), ("keyId", ingress.keyID)])
            json.numbers([("connectedAtMs", ingress.connectedAtMs), ("inFlight", Int64(ingress.inFlight))])
            json.endObject()
        }
        json.array("workers", status.workers) { json, worker in
            json.beginObject()
            json.fields([("place", worker.place)])
            json.numbers([("pid", Int64(worker.pid)), ("connectedAtMs", worker.connectedAtMs), ("leases", Int64(worker.leases))])
            json.endObject()
        }
        json.array("hosts", hosts) { json, host in
            json.beginObject()
            json.fields([
                ("name", host.name), ("state", state(host)), ("lastReason", JobNames.name(host.lastReason)),
                ("lastError", host.lastError), ("unusable", host.unusable), ("breaker", host.breaker),
            ])
            json.numbers([("running", Int64(host.running)), ("places", Int64(host.places)), ("lastAtMs", host.lastAtMs)])
            json.endObject()
        }
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}

extension JSONWriter {
    /// Members that are texts.
    mutating func fields(_ members: [(String, String)]) {
        for (name, value) in members {
            self.name(name)
            string(value)
        }
    }

    /// Members that are whole numbers.
    mutating func numbers(_ members: [(String, Int64)]) {
        for (name, value) in members {
            self.name(name)
            int(value)
        }
    }

    /// A member that is a list.
    mutating func array<T>(_ name: String, _ elements: [T], _ write: (inout JSONWriter, T) -> Void) {
        self.name(name)
        beginArray()
        for element in elements { write(&self, element) }
        endArray()
    }
}
