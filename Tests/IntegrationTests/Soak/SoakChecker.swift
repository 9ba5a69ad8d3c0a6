import Foundation
import TestSupport

/// Compares what senders and the operator were told with what the journal says and with what the hosts wrote down.
struct SoakChecker {
    /// All that is compared.
    struct Evidence {
        var answers: [SoakAnswer]
        var replays: [SoakReplay] = []
        /// Jobs for which a cancel was asked.
        var cancelled: Set<String> = []
        /// By event.
        var journal: [String: [[String: Any]]]
        /// Each job as `GET /jobs/{id}` has it.
        var details: [String: [String: Any]] = [:]
        var hosts: SoakHostRecord
        var outages = SoakOutages()
    }

    /// When the journal's disk was full, and when executors were ended, by ``SoakClock``.
    struct SoakOutages {
        /// How long after there was room again a result may be unwritten: two tries and what a busy machine takes for them.
        static let grace = 10.0

        var full: [ClosedRange<Double>] = []
        var ends: [Double] = []

        /// What was told may be lost: the executor that told it had no room to write it down, and was ended before it had.
        func explain(_ answer: SoakAnswer) -> Bool {
            full.contains { full in
                full.overlaps(answer.sentAt...max(answer.sentAt, answer.toldAt))
                    && ends.contains { $0 >= max(answer.sentAt, full.lowerBound) && $0 <= full.upperBound + Self.grace }
            }
        }
    }

    static let final: Set = ["succeeded", "failed", "unknown", "dead", "timed-out"]
    /// Reasons that say for certain that the command did not start.
    static let notStarted: Set = ["unreachable", "host-key", "authentication", "busy", "not-tried"]

    private var table = SoakTable()
    /// What does not agree, each in words.
    private(set) var disagreements: [String] = []
    private let evidence: Evidence
    private let jobs: [String: SoakJob]
    private let replays: Set<String>

    init(_ evidence: Evidence, kinds: [SoakKind] = SoakKind.all) {
        self.evidence = evidence
        let hosts = evidence.hosts
        let events = evidence.journal.mapValues { $0.map { SoakJob($0, evidence.details) } }
        jobs = Dictionary(events.values.joined().map { ($0.id, $0) }) { first, _ in first }
        replays = Set(evidence.replays.map(\.new))
        for line in hosts.foreign { disagreements.append("written by another host, or torn: \(line)") }
        for kind in kinds { table.add(kind.name) }
        let deliveries = Dictionary(grouping: evidence.answers, by: \.id)
        for (id, told) in deliveries.sorted(by: { $0.key < $1.key }) {
            guard let kind = kinds.first(where: { $0.name == told[0].hook }) else { continue }
            check(SoakDelivery(id: id, kind: kind), told, events["evt_\(id)"] ?? [])
        }
        for id in hosts.ids where deliveries[id] == nil { disagreements.append("\(id) ran and was never sent") }
        for event in events.keys where deliveries[String(event.dropFirst(4))] == nil {
            disagreements.append("\(event) is in the journal and was never sent")
        }
        for replay in evidence.replays where jobs[replay.new]?.origin != replay.origin {
            disagreements.append("\(replay.origin) was replayed as \(replay.new), of which the journal knows nothing")
        }
        for kind in kinds where kind.hasLane { checkLanes(kind, deliveries, events) }
    }

    private mutating func check(_ delivery: SoakDelivery, _ told: [SoakAnswer], _ own: [SoakJob]) {
        let name = delivery.kind.name
        var wrong = compare(delivery, told, own)
        for host in delivery.kind.hosts + ["another host"] { wrong += compare(delivery, own, on: host) }
        if delivery.kind.isSequence { wrong += compareOrder(delivery, own) }
        table.add(
            name, told, own, ran: evidence.hosts.begun(delivery.id), cancelled: evidence.cancelled, disagreements: wrong.count)
        for text in wrong { disagreements.append("\(name) \(delivery.id): \(text); \(words(delivery, told, own))") }
    }

    /// What senders of one delivery and the operator were told, and its jobs.
    private mutating func compare(_ delivery: SoakDelivery, _ told: [SoakAnswer], _ own: [SoakJob]) -> [String] {
        var wrong: [String] = []
        let accepted = told.contains(where: \.isAccepted)
        if accepted, own.allSatisfy({ $0.state == "refused" }) { wrong.append("answered 2xx and not in the journal") }
        if delivery.isForged {
            if accepted || own.contains(where: { $0.state != "refused" }) { wrong.append("taken with a token that is not good") }
        }
        for answer in told {
            if let flaw = answer.flaw { wrong.append(flaw) }
            if answer.matter == .question, answer.status == 404 { wrong.append("asked after \(answer.job ?? "") in vain") }
            guard let id = answer.job, let state = answer.state, Self.final.contains(state) else {
                if answer.isSent, answer.status == 200 { wrong.append("answered 200 without a result") }
                continue
            }
            if answer.isSent, (answer.status == 200) != (state == "succeeded") {
                wrong.append("\(state) was answered \(answer.status)")
            }
            guard let job = jobs[id], job.state != state else {
                if jobs[id] == nil { wrong.append("told \(state), the journal has no such job") }
                continue
            }
            if isForgotten(answer, state, job, delivery) {
                table.forget(delivery.kind.name, job: id)
            } else {
                wrong.append("told \(state) at \(answer.toldAt), the journal has \(job.state)")
            }
        }
        // One that repeats an attempt is never a job of its own; a replay is one.
        let attempts = Set(told.filter(\.isSent).map(\.attempt)).count
        let begun = own.count { $0.state != "refused" && $0.origin.isEmpty }
        if begun > attempts { wrong.append("\(begun) jobs for \(attempts) attempts") }
        return wrong
    }

    /// The one thing that may differ: an outcome that was told while the journal's disk was full, by an executor that was ended before it
    /// could write it down. The journal says what the job's `interrupted` rule makes of it then.
    private func isForgotten(_ answer: SoakAnswer, _ state: String, _ job: SoakJob, _ delivery: SoakDelivery) -> Bool {
        guard evidence.outages.explain(answer), job.state == "unknown" else { return false }
        return delivery.kind.hosts.allSatisfy { host in
            let counts = evidence.hosts.counts(delivery.id, on: host)
            return state == "succeeded" ? counts.begun == 1 && counts.ended == 1 : counts.begun <= 1
        }
    }

    /// The jobs of one delivery, and what one host has of it.
    private func compare(_ delivery: SoakDelivery, _ own: [SoakJob], on host: String) -> [String] {
        let kind = delivery.kind
        let counts = evidence.hosts.counts(delivery.id, on: host)
        var wrong: [String] = []
        var bounds = SoakBounds()
        for job in own where kind.hosts.contains(host) {
            let part = job.part(on: host)
            if host == kind.hosts[0], !isPossible(job, kind) { wrong.append("ended \(job.state) (\(job.reason))") }
            bounds.add(job, part, kind, isCancelled: evidence.cancelled.contains(job.id))
        }
        let (ran, ended) = (counts.begun, counts.ended)
        if ran < bounds.least { wrong.append("ran \(ran) times on \(host), at least \(bounds.least) are said") }
        if ran > bounds.most { wrong.append("ran \(ran) times on \(host), at most \(bounds.most) are said") }
        if ended < bounds.succeeded || ended + counts.failed > ran {
            wrong.append("on \(host) began \(ran), failed \(counts.failed), ended \(ended); \(bounds.succeeded) succeeded")
        }
        if kind.isEndless, ended > 0, bounds.areAllGone { wrong.append("came to its end on \(host) and was said to be gone") }
        return wrong
    }

    /// Whether a job of that kind may end so.
    private func isPossible(_ job: SoakJob, _ kind: SoakKind) -> Bool {
        switch (job.state, job.reason) {
        case ("succeeded", _): !kind.isEndless
        case ("unknown", _): true
        case ("timed-out", _): kind.isEndless
        case ("dead", _): kind.hasRetries
        case ("failed", "cancelled"): evidence.cancelled.contains(job.id)
        case ("failed", let reason): Self.notStarted.contains(reason)
        case ("refused", "token"): kind.hasToken
        case ("refused", let reason): ["busy", "expired"].contains(reason)
        default: false
        }
    }

    /// Of one that ran as one job and was not cut off: a host begins after the one before it has come to its end.
    private func compareOrder(_ delivery: SoakDelivery, _ own: [SoakJob]) -> [String] {
        guard own.count == 1, own[0].state != "unknown" else { return [] }
        let order = evidence.hosts.lines(of: delivery.id).map { "\($0.word) \($0.host)" }
        let right = delivery.kind.hosts.flatMap { ["begin \($0)", "end \($0)"] }
        return right.starts(with: order) ? [] : ["the order was \(order)"]
    }

    private mutating func checkLanes(_ kind: SoakKind, _ told: [String: [SoakAnswer]], _ events: [String: [SoakJob]]) {
        var lanes: [String: [String: SoakLane.Delivery]] = [:]
        for (id, answers) in told where answers[0].hook == kind.name {
            let own = (events["evt_\(id)"] ?? []).filter { $0.state != "refused" }
            let isWhole = own.allSatisfy { $0.state == "succeeded" || ($0.state, $0.reason) == ("dead", "exit-code") }
            lanes[SoakDelivery(id: id, kind: kind).lane, default: [:]][id] = SoakLane.Delivery(
                sentAt: answers.filter(\.isSent).map(\.sentAt).min() ?? 0,
                acceptedAt: answers.filter(\.isAccepted).map(\.toldAt).min(), isSingle: own.count == 1,
                mayOverlap: own.count != 1 || !isWhole, attempts: own.first?.state == "dead" ? own[0].attempts : .max)
        }
        for (lane, deliveries) in lanes.sorted(by: { $0.key < $1.key }) {
            let lines = evidence.hosts.lines.filter { deliveries[$0.id] != nil }
            for text in SoakLane.violations(lines, deliveries) {
                table.disagree(kind.name)
                let ids = text.split(separator: " ").map(String.init).filter { deliveries[$0] != nil }
                let why = ids.map { id in
                    "\(id): \(words(SoakDelivery(id: id, kind: kind), told[id] ?? [], events["evt_\(id)"] ?? []))"
                }
                disagreements.append("\(kind.name) \(lane): \(text); \(why.joined(separator: "; "))")
            }
        }
    }

    private func words(_ delivery: SoakDelivery, _ told: [SoakAnswer], _ own: [SoakJob]) -> String {
        let answers = told.map {
            "\($0.matter) \($0.attempt)→\($0.status) \($0.state ?? "") \($0.reason) \($0.job ?? "") @\($0.sentAt)…\($0.toldAt)"
        }
        return "told \(answers), journal \(own.map(\.text)), hosts "
            + "\(evidence.hosts.lines(of: delivery.id).map { "\($0.word) \($0.host)" })"
    }

    /// How many jobs ended in that state, of all hooks.
    func count(_ state: String) -> Int { table.count(state) }
    /// Deliveries that were sent more than once with an attempt that must not run again.
    var repeats: Int { table.sum(\.repeats) }
    /// Jobs of which another outcome was told than the journal has, with an excuse.
    var forgotten: Int { table.sum(\.forgotten.count) }
    /// Jobs that the operator ended.
    var cancelled: Int { table.sum(\.cancelled) }
    func accepted(_ hook: String) -> Int { table.accepted(hook) }
    /// By hook, and why jobs did not succeed.
    var text: String { table.text }
}
