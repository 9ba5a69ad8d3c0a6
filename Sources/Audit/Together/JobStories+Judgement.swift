extension JobStories {
    /// What was found out, once all logs were taken.
    public consuming func finish() -> Outcome {
        var judgement = Judgement(stories: self)
        for story in judgement.stories.open.values.sorted(by: { $0.id < $1.id }) { judgement.judge(story) }
        return judgement.outcome
    }
}

/// Holds what the logs have of each job against what a job's story can be.
private struct Judgement {
    typealias Holding = JobStory.Holding

    var stories: JobStories
    private let newest: Int64
    private var open = Shares()
    private var untold = Shares()
    private var unnamed = Shares()
    private var before = Shares()

    /// By log.
    private struct Shares {
        var all: [Int: JobStories.Outcome.Share] = [:]

        mutating func add(_ log: Int, _ origin: String, _ job: String) {
            all[log, default: .init(origin: origin, jobs: 0, example: job)].jobs += 1
        }

        var list: [JobStories.Outcome.Share] { all.sorted { $0.key < $1.key }.map(\.value) }
    }

    init(stories: consuming JobStories) {
        newest = stories.logs.map(\.newest).max() ?? 0
        self.stories = stories
    }

    var outcome: JobStories.Outcome {
        .init(
            jobs: stories.jobs, takeovers: stories.takeoverCount, gaps: stories.gaps, gapCount: stories.gapCount, open: open.list,
            untold: untold.list, unnamed: unnamed.list, before: before.list)
    }

    private func origin(_ holding: Holding) -> String { stories.logs[holding.log].origin }

    /// Tells the first thing that does not go together.
    mutating func judge(_ story: JobStory) {
        var story = story
        if let gap = repetition(in: story) { return stories.add(gap.0, story.id, gap.1) }
        // What is known no better explains whatever else is missing.
        var isExplained = false
        for index in story.holdings.indices {
            switch join(index, &story) {
            case .joined: break
            case .explained(let share):
                isExplained = true
                note(share, story, index)
            case .gap(let kind, let text): return stories.add(kind, story.id, text)
            }
        }
        guard !story.holdings.contains(where: { $0.end != nil }) else { return }
        let current = story.holdings.filter { $0.next == nil }
        guard let holding = current.last(where: { $0.beginning != .accepted }) ?? current.last else { return }
        if !isExplained, let text = leftBehind(holding) { return stories.add(.leftBehind, story.id, text) }
        open.add(holding.log, origin(holding), story.id)
    }

    private enum Explanation { case untold, unnamed, before }
    private enum Joint {
        case joined
        case explained(Explanation)
        case gap(JobStories.Outcome.Gap.Kind, String)
    }

    private mutating func note(_ explanation: Explanation, _ story: JobStory, _ index: Int) {
        let holding = story.holdings[index]
        switch explanation {
        case .untold: untold.add(holding.log, origin(holding), story.id)
        case .unnamed: unnamed.add(holding.log, origin(holding), story.id)
        case .before: before.add(holding.log, origin(holding), story.id)
        }
    }

    /// What can be once and is there twice.
    private func repetition(in story: JobStory) -> (JobStories.Outcome.Gap.Kind, String)? {
        let ends = story.holdings.flatMap { holding in
            [holding.end, holding.secondEnd].compactMap { $0 }.map { "record \($0) of \(origin(holding))" }
        }
        if ends.count > 1 { return (.endedTwice, "ended by \(ends[0]), and once more by \(ends[1])") }
        let accepted = story.holdings.filter { $0.beginning == .accepted }.map { "record \($0.record) of \(origin($0))" }
        if accepted.count > 1 { return (.acceptedTwice, "accepted by \(accepted[0]), and once more by \(accepted[1])") }
        guard let first = story.holdings.first(where: { $0.beginning == .accepted && $0.end != nil }),
            let other = story.holdings.first(where: { $0.beginning != .accepted })
        else { return nil }
        // As of a job that had ended before the other log was read.
        if other.beginning == .untold {
            return (
                .goesOnAfterItsEnd,
                "accepted and ended in \(origin(first)), and goes on with record \(other.record) of \(origin(other))"
            )
        }
        return (
            .takenOverAfterItsEnd,
            "taken over by record \(other.record) of \(origin(other)), although it was accepted and ended in \(origin(first))"
        )
    }

    /// Where the holding comes from.
    private func join(_ index: Int, _ story: inout JobStory) -> Joint {
        let holding = story.holdings[index]
        switch holding.beginning {
        case .accepted: return .joined
        case .untold: return joinUntold(index, story)
        case .takenOver(nil, _): return .explained(.unnamed)
        case .takenOver(let from?, let epoch): return join(index, from, epoch, &story)
        }
    }

    private func joinUntold(_ index: Int, _ story: JobStory) -> Joint {
        let holding = story.holdings[index]
        let log = stories.logs[holding.log]
        // What is not here may say it.
        if log.isCut { return .explained(.before) }
        let others = story.holdings.indices.filter { $0 != index }
        guard !others.isEmpty else {
            // Without a word of a takeover nobody knows whose log would have it.
            if log.hasUntoldStarts, stories.logs.contains(where: \.isCut) { return .explained(.before) }
            return .gap(
                .neverAccepted,
                "goes on with record \(holding.record) of \(log.origin), and no log accepted it; is an executor's log missing?")
        }
        if log.hasUntoldStarts { return .explained(.untold) }
        return .gap(
            .notTakenOver,
            "goes on with record \(holding.record) of \(log.origin), which neither accepted it nor took it over; "
                + "\(origin(story.holdings[others[0]])) had it")
    }

    private func join(_ index: Int, _ from: String, _ epoch: Int64, _ story: inout JobStory) -> Joint {
        let holding = story.holdings[index]
        let how = "taken over from \(from) by record \(holding.record) of \(origin(holding))"
        guard let place = stories.logs.firstIndex(where: { $0.origin == from }) else {
            return .gap(.missingLog, "\(how), and the log of \(from) is not given: give its folder, too")
        }
        // Its newest of those that it had when it was gone; in its own log only what comes before.
        let candidates = story.holdings.indices.filter { other in
            let other = story.holdings[other]
            return other.log == place && other.epoch ?? .min <= epoch && (place != holding.log || other.record < holding.record)
        }
        guard let former = candidates.last(where: { story.holdings[$0].next == nil }) else {
            if let taken = candidates.last.flatMap({ story.holdings[$0].next }) {
                let other = story.holdings[taken]
                return .gap(.takenOverTwice, "\(how), and by record \(other.record) of \(origin(other))")
            }
            return missing(how, stories.logs[place], epoch)
        }
        story.holdings[former].next = index
        if let end = story.holdings[former].end {
            return .gap(.takenOverAfterItsEnd, "\(how), and ended by record \(end) of \(from)")
        }
        if let last = story.holdings[former].lastEpoch, last > epoch {
            return .gap(.goesOnAfterTakeover, "\(how), and goes on in \(from) after its start \(epoch), which was over then")
        }
        return .joined
    }

    /// The log of whom it was taken over from does not have it.
    private func missing(_ how: String, _ log: JobStories.Log, _ epoch: Int64) -> Joint {
        if log.isCut { return .explained(.before) }
        // Who is killed leaves its newest records in the journal alone, and writes them into the log when it starts again.
        if log.stoppedAt == nil, log.epoch ?? .min <= epoch {
            return .gap(
                .logEndsEarly,
                "\(how), and the log of \(log.origin) ends before it has it: records were cut off its end, or it was killed and has "
                    + "not started since; start it, which writes what its log lacks, and verify again")
        }
        return .gap(.neverHad, "\(how), and the log of \(log.origin) does not have it")
    }

    /// Why a job without an end should have another executor by now.
    private func leftBehind(_ holding: Holding) -> String? {
        let log = stories.logs[holding.log]
        let taken = stories.takeovers[log.origin]?.filter { $0.key >= holding.epoch ?? .min }.values.min()
        if let taken, newest - taken > JobStories.patience {
            return "no log has its end: \(log.origin) had it, whose other jobs were taken over, and nobody took this one; is an "
                + "executor's log missing, or cut?"
        }
        guard let stopped = log.stoppedAt, log.epoch != nil else { return nil }
        let other = stories.logs.first { other in
            other.origin != log.origin && other.epoch != nil
                && other.runs.contains { $0.to - max($0.from, stopped) > JobStories.patience }
        }
        return other.map {
            "no log has its end: \(log.origin) had it and stopped, and \($0.origin), which ran, did not take it over; is an executor's "
                + "log missing, or cut?"
        }
    }
}
