/// One channel in use: a command, the ending of one, or a prelude that did not come about.
final class ChannelTask {
    enum Work {
        case command(LeaseRun, WaitingLease)
        case kill(GroupKill)
        /// Only to be closed.
        case nothing
    }

    enum Step {
        /// The stage is on its way to the executor, up to there in what is said; only then is the command sent.
        case announcing(UInt64)
        case exchanging
        /// The outcome is told, or another channel's to tell; this one closes.
        case draining(until: Int)
        case done
    }

    let work: Work
    var step: Step
    let channel: SSHChannel
    /// What waited on the channel, to be given back as long as nothing was sent.
    let prelude: WaitingPrelude
    /// End of standard input was sent: to the prelude that means cancel.
    var isInputEnded = false
    /// After a cancel: when the host's own ending is not waited for any longer.
    var stopDeadline: Int?

    init(_ work: Work, on spare: SpareChannel, step: Step) {
        self.work = work
        channel = spare.channel
        prelude = spare.prelude
        self.step = step
    }

    var isCommand: Bool { run != nil }

    /// The command, where it is one.
    var run: LeaseRun? { if case .command(let run, _) = work { run } else { nil } }

    /// Its outcome is told, or another channel's to tell.
    var isDraining: Bool {
        switch step {
        case .draining, .done: true
        case .announcing, .exchanging: false
        }
    }

    /// When something must be done although nothing comes.
    var deadline: Int? {
        switch (step, work) {
        case (.draining(let until), _): until
        case (.done, _): nil
        case (_, .kill(let kill)): kill.deadline
        case (_, .nothing): nil
        case (_, .command(let run, _)): stopDeadline ?? run.deadline
        }
    }
}
