import Testing

@testable import Audit

/// Records of an executor's log as a test writes them down.
struct MadeLog {
    let origin: String
    private(set) var first: UInt64 = 0
    private(set) var events: [AuditEvent] = []
    /// Unix milliseconds of the next record.
    var time: Int64 = 1_750_000_000_000

    init(_ origin: String) { self.origin = "sallyport/\(origin)" }

    /// - Parameter epoch: of a journal that is shared, in a version that records takeovers.
    func started(_ epoch: Int64? = nil) -> MadeLog {
        adding(.executorStarted, [("policy", "5d1c")] + (epoch.map { [("epoch", .number($0))] } ?? []))
    }

    func stopped() -> MadeLog { adding(.executorStopped, [("unfinished", 0)]) }

    func accepted(_ job: String) -> MadeLog { decided("accepted", job) }

    /// Accepted, refused or a duplicate.
    func decided(_ decision: String, _ job: String) -> MadeLog {
        adding(.delivery, [("job", .text(job)), ("hook", "deploy")])
            .adding(.decision, [("job", .text(job)), ("decision", .text(decision))])
    }

    func begun(_ job: String) -> MadeLog { adding(.attemptStarted, [("job", .text(job)), ("attempt", 1), ("host", "web-1")]) }

    func signed(_ job: String) -> MadeLog { adding(.signature, [("job", .text(job)), ("lease", 7), ("host", "web-1")]) }

    func ended(_ job: String) -> MadeLog { adding(.result, [("job", .text(job)), ("state", "succeeded")]) }

    /// From its acceptance to its result.
    func ran(_ job: String) -> MadeLog { accepted(job).begun(job).signed(job).ended(job) }

    /// - Parameter origin: nil where it was not known any more.
    func took(_ job: String, from origin: String?, _ epoch: Int64) -> MadeLog {
        let from = origin.map { [("from", AuditEvent.Value.text("sallyport/\($0)"))] } ?? []
        return adding(.takenOver, [("job", .text(job))] + from + [("epoch", .number(epoch))])
    }

    /// Its records so far stand in files that are not here.
    func cut() -> MadeLog {
        var log = self
        log.first += UInt64(events.count)
        log.events = []
        return log
    }

    /// So many milliseconds later.
    func later(_ wait: Int64 = JobStories.patience + 1000) -> MadeLog {
        var log = self
        log.time += wait
        return log
    }

    private func adding(_ kind: AuditEvent.Kind, _ fields: [(name: String, value: AuditEvent.Value)]) -> MadeLog {
        var log = self
        log.events.append(AuditEvent(kind, at: time, fields))
        log.time += 10
        return log
    }

    func read(by stories: inout JobStories) throws {
        stories.begin(origin)
        for (place, event) in events.enumerated() { stories.take(AuditRecord(index: first + UInt64(place), event: event)) }
        stories.end(first: first)
        if let limit = stories.limit { throw limit }
    }

    /// What the logs come to together; the same in whatever order they are read.
    static func together(_ logs: [MadeLog]) throws -> JobStories.Outcome {
        var outcomes: [JobStories.Outcome] = []
        for order in orders(logs) {
            var stories = JobStories()
            for log in order { try log.read(by: &stories) }
            outcomes.append(stories.finish())
        }
        let first = try #require(outcomes.first)
        for other in outcomes {
            #expect(Set(other.gaps.map { "\($0.kind) \($0.job)" }) == Set(first.gaps.map { "\($0.kind) \($0.job)" }))
            #expect(other.gapCount == first.gapCount)
            #expect(other.jobs == first.jobs)
            for (one, same) in [
                (other.open, first.open), (other.before, first.before), (other.untold, first.untold),
                (other.unnamed, first.unnamed),
            ] {
                #expect(Set(one.map { "\($0.jobs) \($0.origin)" }) == Set(same.map { "\($0.jobs) \($0.origin)" }))
            }
        }
        return first
    }

    private static func orders(_ logs: [MadeLog]) -> [[MadeLog]] {
        guard let last = logs.last else { return [[]] }
        return orders(logs.dropLast()).flatMap { order in
            (0...order.count).map { place in
                var order = order
                order.insert(last, at: place)
                return order
            }
        }
    }
}
