internal import Authentication
internal import JSON
internal import JobProtocol

/// What the executor's settings allow under one job name. Nothing else can be run.
struct JobPolicy: Sendable {
    /// What a parameter's value must look like.
    struct Parameter: Sendable {
        let type: ParameterType
        /// Used when the request does not carry the parameter; nil makes it required.
        let fallback: String?
        /// Bytes.
        let maximumLength: Int
        /// Where it stands in the body that its sender has signed; nil where the hook says where it comes from.
        var place: Place?

        /// A place in a JSON document.
        struct Place: Sendable {
            let pointer: JSONPointer
            let text: String
        }
    }

    /// What the job becomes when the executor was cut off while the command may have been running.
    enum InterruptedRule: String, Sendable, CaseIterable {
        case retry
        case fail
        case unknown
    }

    /// How often a command is tried again that did not start, or that ended with an exit code that asks for it.
    struct Retry: Sendable {
        let attempts: Int
        let backoff: Duration
        let maximumBackoff: Duration
        let exitCodes: Set<Int32>

        static let none = Retry(attempts: 1, backoff: .seconds(2), maximumBackoff: .seconds(300), exitCodes: [])
    }

    enum StandardInput: Sendable, Equatable {
        case none
        case body
        /// The value of this parameter.
        case parameter(String)
    }

    /// Jobs with the same lane run one after the other, in the order in which they came.
    struct Lane: Sendable {
        let key: ArgumentTemplate
        /// Jobs that may wait in one lane; one more is refused as busy.
        let queue: Int
    }

    /// When each of several destinations has its turn.
    enum Order: Sendable, Equatable {
        case parallel
        /// One after the other, as they are listed.
        ///
        /// - stops: at the first that does not succeed; those behind it are not tried.
        case sequence(stops: Bool)

        var isSequence: Bool { self != .parallel }
    }

    let name: String
    let command: [ArgumentTemplate]
    let destinations: [String]
    /// The request names one of ``destinations``; otherwise the command runs on all of them.
    let callerChooses: Bool
    /// The request names one of these; empty means that each host's own identity logs in.
    let identities: [String]
    let parameters: [String: Parameter]
    let environment: [String: ArgumentTemplate]
    let standardInput: StandardInput
    let timeout: Duration
    let grace: Duration
    /// For all attempts and the waits before and between them, from the moment it was accepted; nil for none.
    let deadline: Duration?
    let concurrency: Int
    /// Jobs of this name at once on one destination; nil for as many as ``concurrency`` and the host allow.
    let destinationConcurrency: Int?
    let lane: Lane?
    let rate: TokenBucket.Rate?
    let successCodes: Set<Int32>
    let stdoutLimit: Int
    let stderrLimit: Int
    let retry: Retry
    let interrupted: InterruptedRule
    let token: TokenVerifier?
    /// Ingresses that may ask for this job; empty means all of the settings.
    let ingresses: Set<String>
    var order = Order.parallel
    /// Of the sender's signature, where the executor verifies it too.
    var verifier: DeliveryVerifier?
    /// Where commands run on the host, so that all of each can be ended.
    var containment = Containment.none
    /// The command gets ``traceVariable``: which span it is.
    var passesTrace = false

    /// As other tools have it (https://opentelemetry.io/docs/specs/otel/context/env-carriers/).
    static let traceVariable = "TRACEPARENT"
    /// Bytes of the variable and its value: a traceparent has 55.
    static let traceVariableSize = traceVariable.utf8.count + 56

    enum Containment: String, Sendable, CaseIterable {
        /// In a process group, which a child can leave.
        case none
        /// In a transient systemd unit; not at all where there is none.
        case systemd
    }
}
