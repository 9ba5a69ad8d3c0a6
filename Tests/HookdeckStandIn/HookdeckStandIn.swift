import Foundation
import JSON
import Synchronization
import TestSupport

/// Behaves towards a destination as Hookdeck does: queue, signature, headers, limits, time-out, retries, issues.
///
/// Its clock runs `speed` times as fast as the real one, so that back-offs of hours take seconds; the time-out is of its clock as well.
/// What it does is what was read of, and recorded from, the real one; what nobody could see says so where it stands.
public final class HookdeckStandIn: Sendable {
    /// Automatic retries of one event, and seconds after which there are none any more.
    static let limits = (retries: 50, age: 7.0 * 86_400)

    /// Longer waits of `Retry-After` are cut, in seconds.
    static let longestRetryAfter = 7.0 * 86_400
    /// Deliveries at once where the destination has no limit of its own.
    static let deliveries = 64

    struct State {
        /// The one that signs, and the one before it until it expires.
        var secrets: [String]
        var connection: HookdeckConnection
        var events: [String: HookdeckEvent] = [:]
        var order: [String] = []
        var due: [(at: Double, event: String, trigger: HookdeckEvent.Trigger)] = []
        var starts: [Double] = []
        var inFlight = 0
        var mostInFlight = 0
        var issues: Set<HookdeckIssue> = []
        var isPaused = false
        var isStopped = false
    }

    let state: Mutex<State>
    let speed: Double
    let timeout: Double
    private let begun = DispatchTime.now().uptimeNanoseconds

    /// Delivers from now on.
    ///
    /// - Parameters:
    ///   - secret: of the project, as issued.
    ///   - speed: seconds of its clock in one of the real one.
    ///   - timeout: for the destination's answer, in seconds of its clock.
    public init(_ connection: HookdeckConnection, secret: String, speed: Double = 100, timeout: Double = 60) {
        state = Mutex(State(secrets: [secret], connection: connection))
        self.speed = speed
        self.timeout = timeout
        Thread { [weak self] in
            while let self, self.dispatch() { usleep(1_000) }
        }.start()
    }

    deinit { stop() }

    /// Begins no more deliveries.
    public func stop() { state.withLock { $0.isStopped = true } }

    /// Seconds of its clock since it began.
    public var now: Double { Double(DispatchTime.now().uptimeNanoseconds - begun) / 1e9 * speed }

    // MARK: - What comes in

    /// Takes a request at the source: one event, or none where the filter leaves it out.
    ///
    /// - Parameter copies: how often the first attempt is delivered; delivery is at least once, and a copy has the same id and number.
    /// - Throws: what the transformation threw; the request is ignored then.
    @discardableResult
    public func receive(
        _ body: [UInt8], headers: [(name: String, value: String)] = [("Content-Type", "application/json")], copies: Int = 1
    ) throws -> String? {
        let connection = state.withLock { $0.connection }
        if let filter = connection.filter, try !filter.passes(headers: headers, body: try? JSONValue.parse(body)) { return nil }
        let original = (headers: headers, body: body)
        var (headers, body) = original
        if let transformation = connection.transformation {
            (headers, body) = try transformation.apply(headers: headers, body: body)
        }
        let event = HookdeckEvent(
            id: "evt_\(Self.name())", requestID: "req_\(Self.name())", createdAt: now, original: original, headers: headers,
            body: body)
        state.withLock { state in
            state.events[event.id] = event
            state.order.append(event.id)
            if state.isPaused {
                state.events[event.id]?.status = .hold
            } else {
                state.events[event.id]?.nextAttemptAt = now
                for _ in 0..<copies { state.due.append((now, event.id, .initial)) }
            }
        }
        return event.id
    }

    static func name() -> String {
        let letters = Array("0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
        return String((0..<20).map { _ in letters[Int.random(in: 0..<letters.count)] })
    }

    // MARK: - What can be seen

    /// An event as it stands now.
    public func event(_ id: String) -> HookdeckEvent? { state.withLock { $0.events[id] } }
    /// All of them, in their order.
    public var events: [HookdeckEvent] { state.withLock { state in state.order.compactMap { state.events[$0] } } }
    /// Opened and not resolved.
    public var issues: Set<HookdeckIssue> { state.withLock { $0.issues } }
    /// The most deliveries that were ever open at once.
    public var mostInFlight: Int { state.withLock { $0.mostInFlight } }

    /// Waits until nothing is under way or planned for the event; that event, or an error when it takes longer than `seconds` of the real
    /// clock.
    public func settled(_ id: String, within seconds: Double = 30) throws -> HookdeckEvent {
        guard eventually(within: seconds, { event(id)?.isSettled == true }), let event = event(id) else {
            throw TestBedError("not settled: \(event(id).map { "\($0.attempts)" } ?? "no event \(id)")")
        }
        return event
    }
}
