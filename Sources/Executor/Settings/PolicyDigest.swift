internal import Authentication

/// SHA-256 over what decides what may run, in a fixed order.
enum PolicyDigest {
    /// Hexadecimal.
    static func of(_ jobs: [String: JobPolicy]) -> String {
        let text = jobs.sorted { $0.key < $1.key }.map { words($0, $1) }.joined()
        return Hex.encode(SHA256.hash(Array(text.utf8)))
    }

    private static func words(_ name: String, _ job: JobPolicy) -> String {
        var text =
            "\(name)\n\(job.command.map(\.pieces))\n\(job.destinations)\n\(job.callerChooses)\n\(job.timeout)\n\(job.standardInput)\n"
        text += "\(job.successCodes.sorted())\n\(job.ingresses.sorted())\n\(job.token?.digest ?? "no token")\n"
        text += "\(job.identities)\n\(job.deadline.map { "\($0)" } ?? "no deadline")\n\(job.retry.exitCodes.sorted())\n"
        if job.order.isSequence { text += "\(job.order)\n" }
        if let verifier = job.verifier { text += "\(verifier.digest)\n" }
        if job.containment != .none { text += "\(job.containment)\n" }
        if job.passesTrace { text += "\(JobPolicy.traceVariable)\n" }
        for (parameter, rule) in job.parameters.sorted(by: { $0.key < $1.key }) {
            text +=
                "\(rule.place.map { "at \($0.text)\n" } ?? "")\(parameter)\n\(rule.type.name)\n\(rule.type.words)\n\(rule.fallback.map { "= \($0)" } ?? "required")\n\(rule.maximumLength)\n"
        }
        for (variable, value) in job.environment.sorted(by: { $0.key < $1.key }) { text += "\(variable)\n\(value.pieces)\n" }
        return text
    }
}
