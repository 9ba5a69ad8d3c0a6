internal import JobProtocol
internal import NIOHTTP1
internal import Synchronization

/// Lets a verified delivery through, or says which limit it met.
///
/// Only deliveries whose signature and token are good come here. Whoever cannot sign can use up neither a hook's rate nor its
/// places, so a flood of forgeries costs good deliveries nothing but the work of refusing it.
final class DeliveryGate: Sendable {
    private struct HookState {
        var bucket: TokenBucket
        var concurrency: Int
        var inFlight = 0
    }

    private struct State {
        var limits: RequestLimits
        var bucket: TokenBucket
        var hooks: [String: HookState]
        var waiting = 0
    }

    private let state: Mutex<State>

    init(_ limits: RequestLimits, hooks: [String: HookLimits]) {
        state = Mutex(
            State(
                limits: limits, bucket: TokenBucket(limits.rate),
                hooks: hooks.mapValues { HookState(bucket: TokenBucket($0.rate), concurrency: $0.concurrency) }))
    }

    /// Deliveries that wait for their answer.
    var waitingCount: Int { state.withLock { $0.waiting } }

    /// Takes a place and a token of the hook and of all hooks together, or nothing. Who gets nil calls ``leave(_:)`` when it is
    /// answered.
    ///
    /// - Parameter now: nanoseconds of a clock that only goes forward.
    func admit(_ hook: String, now: Int64) -> LimitMet? {
        state.withLock { state in
            guard state.waiting < state.limits.waiting else { return .waiting }
            // A hook that was taken out by a reload while its delivery was read has no limit of its own any more.
            if let own = state.hooks[hook] {
                guard own.inFlight < own.concurrency else { return .concurrency }
                let wait = own.bucket.wait(now: now)
                guard wait == 0 else { return .rate(nanoseconds: wait) }
            }
            let wait = state.bucket.wait(now: now)
            guard wait == 0 else { return .totalRate(nanoseconds: wait) }
            state.bucket.take(now: now)
            state.hooks[hook]?.bucket.take(now: now)
            state.hooks[hook]?.inFlight += 1
            state.waiting += 1
            return nil
        }
    }

    /// Gives the place back.
    func leave(_ hook: String) {
        state.withLock { state in
            state.waiting -= 1
            if let own = state.hooks[hook], own.inFlight > 0 { state.hooks[hook]?.inFlight -= 1 }
        }
    }

    /// Other limits from now on. Places and tokens that were taken stay taken.
    func change(to limits: RequestLimits, hooks: [String: HookLimits]) {
        state.withLock { state in
            state.limits = limits
            state.bucket = state.bucket.at(limits.rate)
            let before = state.hooks
            state.hooks = [:]
            for (name, limits) in hooks {
                let old = before[name]
                state.hooks[name] = HookState(
                    bucket: old?.bucket.at(limits.rate) ?? TokenBucket(limits.rate), concurrency: limits.concurrency,
                    inFlight: old?.inFlight ?? 0)
            }
        }
    }
}

/// A limit that a verified delivery met.
enum LimitMet: Equatable {
    case rate(nanoseconds: Int64)
    case totalRate(nanoseconds: Int64)
    case concurrency
    case waiting

    /// For the metric.
    var outcome: String {
        switch self {
        case .rate: "rate"
        case .totalRate: "total-rate"
        case .concurrency: "concurrency"
        case .waiting: "waiting"
        }
    }

    /// Seconds after which it is worth trying again. Short, for all of these clear within seconds, and a sender such as Hookdeck
    /// takes the number literally and counts every attempt.
    var retryAfter: Int {
        switch self {
        case .rate(let wait), .totalRate(let wait):
            Int(min(Int64(Self.longestRetryAfter), max(1, (wait + 999_999_999) / 1_000_000_000)))
        case .concurrency, .waiting: JobAnswer.retryAfter
        }
    }

    /// No `Retry-After` is longer, whatever the rate: a slow bucket must not hold an event back for hours.
    static let longestRetryAfter = 60

    /// 429 for what is the hook's or all hooks' rate or the hook's places, 503 where the process has no more places at all.
    var answer: Answer {
        switch self {
        case .rate: .tooMany("this hook takes no more deliveries at the moment", retryAfter: retryAfter)
        case .totalRate: .tooMany("no more deliveries are taken at the moment", retryAfter: retryAfter)
        case .concurrency: .tooMany("as many deliveries of this hook wait as may", retryAfter: retryAfter)
        case .waiting: .unavailable("as many deliveries wait as may", retryAfter: retryAfter)
        }
    }
}

extension Answer {
    /// RFC 6585 section 4.
    fileprivate static func tooMany(_ detail: String, retryAfter seconds: Int) -> Answer {
        .problem(.tooManyRequests, detail, headers: [("Retry-After", "\(seconds)")])
    }
}
