import Foundation
import TestSupport
import Testing

/// The wall clock is set back an hour while deliveries wait; nothing may wait an hour for that.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct ClockTests {
    private static let jobs = """
          rated:
            command: ["true"]
            destinations: [web-1]
            timeout: 20s
            rate: { jobs: 1, per: 5s, burst: 1 }

        """

    private let bed: TestBed
    private let clock: MovableClock

    init() throws {
        bed = try TestBed.spooling(jobs: Self.jobs, hooks: DeliveryTests.hook("rated", "when-executor-away: spool"))
        clock = try MovableClock(in: bed.folder)
        try bed.use(environment: clock.environment)
        try bed.startIngress()
        try #require(clock.isLoaded(bed.ingress.pid))
    }

    private func spool(_ event: String) throws {
        #expect(try bed.deliver(hook: "rated", event: event, signature: nil, token: nil).status == 202)
    }

    private func ranAll(_ count: Int) throws -> Bool {
        try eventually(within: 60) {
            try bed.metric("sallyport_spool_deliveries") == 0
                && bed.jobs().count { $0["status"] as? String == "succeeded" } == count
        }
    }

    @Test func `a spooled delivery whose executor was busy is handed over soon after the clock was set back`() throws {
        for number in 1...2 { try spool("evt_\(number)") }
        try bed.executor.start()
        #expect(eventually { bed.ingress.text.contains("spooled delivery waits") })
        try clock.set(-3600)
        #expect(try ranAll(2))
    }

    @Test func `a delivery that was spooled before the clock was set back is taken by an executor that comes after it`() throws {
        try spool("evt_1")
        try clock.set(-3600)
        try bed.executor.start()
        #expect(try ranAll(1))
    }
}
