import Logging
import Synchronization
import Telemetry
import Testing

@testable import Ingress

@Suite struct LogThrottleTests {
    private static let second: Int64 = 1_000_000_000
    private let bad = LogThrottle.Kind(hook: "github", outcome: "signature-mismatch")

    @Test func `20 lines of one kind pass, then one a second, which says how many did not`() {
        let throttle = LogThrottle()
        #expect((0..<20).allSatisfy { _ in throttle.admit(bad, now: 0) == 0 })
        for _ in 0..<7 { #expect(throttle.admit(bad, now: 0) == nil) }
        #expect(throttle.admit(bad, now: Self.second - 1) == nil)
        #expect(throttle.admit(bad, now: Self.second) == 8)
        #expect(throttle.admit(bad, now: Self.second) == nil)
        #expect(throttle.admit(bad, now: 2 * Self.second) == 1)
        #expect(throttle.admit(bad, now: 60 * Self.second) == 0)
    }

    @Test func `kinds do not use up one another's lines, and all have a bound together`() {
        let throttle = LogThrottle()
        var passed = 0
        for hook in 0..<100 {
            for _ in 0..<20 where throttle.admit(.init(hook: "\(hook)", outcome: "x"), now: 0) != nil { passed += 1 }
        }
        #expect(passed == 200)
        #expect(throttle.admit(bad, now: 0) == nil)
        #expect(throttle.admit(bad, now: Self.second / 10) == 1)
    }

    @Test func `what it remembers has a bound`() {
        let throttle = LogThrottle()
        for hook in 0..<LogThrottle.maximumKinds {
            #expect(throttle.admit(.init(hook: "\(hook)", outcome: "x"), now: Int64(hook) * Self.second) == 0)
        }
        // Strangers are one kind from now on.
        let later = Int64(LogThrottle.maximumKinds + 1) * Self.second
        for hook in 0..<20 { #expect(throttle.admit(.init(hook: "new \(hook)", outcome: "x"), now: later) == 0) }
        #expect(throttle.admit(bad, now: later) == nil)
        #expect(throttle.admit(.init(hook: "0", outcome: "x"), now: later) == 0)
    }

    @Test func `lines that are left out are counted, and those below the log's level are none`() throws {
        let lines = Lines()
        var logger = Logger(label: "test") { _ in Recorder(lines: lines) }
        logger.logLevel = .notice
        let metrics = try IngressMetrics()
        let log = RefusalLog(logger, suppressed: metrics.suppressedLines)
        for _ in 0..<30 { log.write(.info, "delivery ignored", hook: "github", outcome: "ignored", now: 0) }
        for _ in 0..<25 { log.write(.notice, "delivery refused", hook: "github", outcome: "bad", ["detail": "d"], now: 0) }
        log.write(.notice, "delivery refused", hook: "github", outcome: "bad", ["detail": "d"], now: Self.second)
        #expect(lines.all.withLock(\.count) == 21)
        #expect(lines.all.withLock(\.last) == ["hook": "github", "outcome": "bad", "detail": "d", "left_out": "5"])
        #expect(metrics.suppressedLines.with("bad").value == 5)
        #expect(metrics.suppressedLines.with("ignored").value == 0)
    }
}

private final class Lines: Sendable {
    let all = Mutex<[Logger.Metadata]>([])
}

private struct Recorder: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.notice

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.all.withLock { $0.append(event.metadata ?? [:]) } }
}
