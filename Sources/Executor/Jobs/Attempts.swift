internal import JobProtocol
internal import ProtocolMessages

/// How far the attempts of a job have come, and whether there is another. Pure: the caller says what time it is and rolls the dice.
struct Attempts: Sendable {
    /// How often a job whose rule is `interrupted: retry` runs again without a restart of the executor.
    static let maximumInterruptions = 3

    /// What follows an attempt.
    enum Next: Equatable {
        case end
        /// Nothing stood against another attempt but that there were enough: the job is a dead letter.
        case dead
        case again(after: Duration)
    }

    /// The attempt that runs or is next, 1-based.
    private(set) var number: UInt32
    private(set) var results: [String: WireDestinationResult]
    private var interruptions = 0
    /// Destinations where an attempt may have run, and none since has come to an end of its own.
    private var cutOff: Set<String> = []

    init(number: UInt32 = 1, results: [WireDestinationResult] = []) {
        self.number = number
        self.results = Dictionary(results.map { ($0.destination, $0) }, uniquingKeysWith: { $1 })
    }

    /// The commands that the next attempt runs: those that have no result yet, or one that may be made good. In a sequence that stops
    /// there is none behind one that failed for good.
    func open(_ plan: Policy.Plan) -> [Policy.Run] {
        var open: [Policy.Run] = []
        for run in plan.runs {
            guard let result = results[run.destination], result.reason != .notTried, !Self.mayRunAgain(result, plan.job) else {
                open.append(run)
                continue
            }
            if plan.job.order == .sequence(stops: true), result.status != .succeeded { break }
        }
        return open
    }

    /// What is known in a sequence while `run` has its turn: nothing of it, and of those behind it that they were not tried.
    func results(_ plan: Policy.Plan, while run: Policy.Run) -> [WireDestinationResult] {
        let open = open(plan).map(\.destination)
        let behind = open.drop { $0 != run.destination }.dropFirst()
        return plan.runs.compactMap { other in
            if other.destination == run.destination { return nil }
            return behind.contains(other.destination)
                ? JobOutcome.notTried(other.destination, "the executor was cut off before its turn")
                : results[other.destination]
        }
    }

    /// The results so far, in the order of the plan.
    func results(_ plan: Policy.Plan) -> [WireDestinationResult] {
        plan.runs.compactMap { results[$0.destination].map(told) }
    }

    mutating func take(_ more: [WireDestinationResult]) {
        for result in more {
            if results[result.destination]?.status == .unknown { cutOff.insert(result.destination) }
            if Self.hasRun(result) { cutOff.remove(result.destination) }
            results[result.destination] = result
        }
    }

    /// As it is told: one that did not begin, after one of which nobody knows how it ended, is not known either.
    private func told(_ result: WireDestinationResult) -> WireDestinationResult {
        guard cutOff.contains(result.destination), result.status == .failed else { return result }
        var told = result
        (told.status, told.reason) = (.unknown, .outcomeUnknown)
        told.error = "how an attempt before ended is not known; then: \(result.error)".clipped(toBytes: JobLimits.errorText)
        return told
    }

    private static func hasRun(_ result: WireDestinationResult) -> Bool {
        result.status == .succeeded || result.status == .timedOut || (result.status == .failed && result.reason == .exitCode)
    }

    /// Decides, and counts the attempt that follows.
    ///
    /// - Parameters:
    ///   - left: until the job's deadline; nil for none.
    ///   - jitter: 0 to 1. Full jitter: the wait is anywhere between nothing and the back-off.
    mutating func next(_ job: JobPolicy, left: Duration?, jitter: Double) -> Next {
        let wasInterrupted = results.values.contains { JobOutcome.wasInterrupted($0, job: job) }
        guard wasInterrupted || results.values.contains(where: { JobOutcome.mayTryAgain($0, job: job) }) else { return .end }
        if wasInterrupted {
            interruptions += 1
            guard interruptions <= Self.maximumInterruptions else { return .end }
        } else if Int(number) >= job.retry.attempts {
            return job.retry.attempts > 1 ? .dead : .end
        }
        let wait = Self.backoff(job.retry, after: number) * jitter
        if let left, wait >= left { return .dead }
        number += 1
        return .again(after: wait)
    }

    /// What is open is the next attempt's, whatever the job's limit: this one was not finished.
    mutating func continueLater() { number += 1 }

    /// Doubles with each attempt, up to the job's maximum.
    static func backoff(_ retry: JobPolicy.Retry, after attempt: UInt32) -> Duration {
        // Far more doublings than any maximum needs, and few enough for the multiplication.
        min(retry.backoff * (1 << min(Int(attempt) - 1, 30)), retry.maximumBackoff)
    }

    private static func mayRunAgain(_ result: WireDestinationResult, _ job: JobPolicy) -> Bool {
        JobOutcome.mayTryAgain(result, job: job) || JobOutcome.wasInterrupted(result, job: job)
    }
}
