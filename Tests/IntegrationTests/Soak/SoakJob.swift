import Foundation

/// A job as the journal has it.
struct SoakJob {
    /// What became of it on one host.
    struct Part {
        let state: String
        let reason: String
        let hasExitCode: Bool
        /// The host was asked and has nothing left of it.
        let isGone: Bool
    }

    let id: String
    let state: String
    let reason: String
    let attempts: Int
    /// The job that it is a replay of, or nothing.
    let origin: String
    /// By host; empty where nothing is known.
    private let parts: [String: Part]
    /// As `GET /jobs/{id}` says; nil when it was not asked.
    private let other: String?

    init(_ json: [String: Any], _ details: [String: [String: Any]]) {
        id = json["job"] as? String ?? ""
        state = json["status"] as? String ?? ""
        reason = json["reason"] as? String ?? ""
        attempts = json["attempts"] as? Int ?? 0
        origin = json["origin"] as? String ?? ""
        let detail = details[id]
        other = detail?["status"] as? String
        let all = detail?["destinations"] as? [[String: Any]] ?? []
        parts = Dictionary(
            all.map { part in
                (
                    part["destination"] as? String ?? "",
                    Part(
                        state: part["status"] as? String ?? "", reason: part["reason"] as? String ?? "",
                        hasExitCode: part["exitCode"] is Int, isGone: part["processGone"] as? Bool ?? false)
                )
            }, uniquingKeysWith: { $1 })
    }

    /// What became of it there; where nothing is said of hosts, what became of all of it.
    func part(on host: String) -> Part {
        parts[host] ?? Part(state: state, reason: reason, hasExitCode: reason == "exit-code", isGone: false)
    }

    var text: String {
        let hosts = parts.sorted { $0.key < $1.key }.map {
            "\($0.key) \($0.value.state) (\($0.value.reason)) gone \($0.value.isGone)"
        }
        return "\(id) \(state) (\(reason)) \(attempts)× \(hosts)\(origin.isEmpty ? "" : " replay of \(origin)")"
    }
}

/// How often a delivery may and must have run on a host, by what is said of its jobs.
struct SoakBounds {
    private(set) var least = 0
    private(set) var most = 0
    private(set) var succeeded = 0
    /// Of all that was ended or may have begun, the host was seen to have nothing left.
    private(set) var areAllGone = true

    mutating func add(_ job: SoakJob, _ part: SoakJob.Part, _ kind: SoakKind, isCancelled: Bool) {
        let attempts = kind.hasRetries ? max(job.attempts, 1) : 1
        if job.state == "refused" { return }
        switch (part.state, part.reason) {
        case ("succeeded", _):
            least += 1
            most += attempts
            succeeded += 1
        case ("failed", let reason) where SoakChecker.notStarted.contains(reason),
            ("dead", let reason) where SoakChecker.notStarted.contains(reason):
            // An attempt before the last may have run.
            most += kind.hasRetries ? attempts - 1 : 0
        case ("failed", "exit-code"), ("dead", "exit-code"):
            least += 1
            most += attempts
        default:
            // Unknown, timed out, or ended by an operator.
            most += attempts
            if !part.isGone { areAllGone = false }
        }
    }
}
