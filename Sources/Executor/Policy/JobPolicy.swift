internal import Authentication
internal import Settings

/// What the executor's settings allow under one job name. Nothing else can be run.
struct JobPolicy: Sendable {
    /// What a parameter's value must look like.
    struct Parameter: Sendable {
        /// The whole value must match.
        let pattern: AnchoredPattern
        /// Used when the request does not carry the parameter; nil makes it required.
        let fallback: String?
        /// Bytes.
        let maximumLength: Int
    }

    /// What the job becomes when the executor was cut off while the command may have been running.
    enum InterruptedRule: String, Sendable, CaseIterable {
        case retry
        case fail
        case unknown
    }

    /// How often a command that did not start is tried again.
    struct Retry: Sendable {
        let attempts: Int
        let backoff: Duration
        let maximumBackoff: Duration

        static let none = Retry(attempts: 1, backoff: .seconds(2), maximumBackoff: .seconds(300))
    }

    enum StandardInput: String, Sendable, CaseIterable {
        case none
        case body
    }

    let name: String
    let command: [ArgumentTemplate]
    let destinations: [String]
    /// The request names one of ``destinations``; otherwise the command runs on all of them.
    let callerChooses: Bool
    let parameters: [String: Parameter]
    let environment: [String: ArgumentTemplate]
    let standardInput: StandardInput
    let timeout: Duration
    let grace: Duration
    let concurrency: Int
    let successCodes: Set<Int32>
    let stdoutLimit: Int
    let stderrLimit: Int
    let retry: Retry
    let interrupted: InterruptedRule
    let token: TokenVerifier?
    /// Ingresses that may ask for this job; empty means all of the settings.
    let ingresses: Set<String>
}
