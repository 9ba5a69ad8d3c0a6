/// One channel in use: a command, or the ending of one.
final class ChannelTask {
    enum Work {
        case command(LeaseRun, WaitingLease)
        case kill(GroupKill)
    }

    enum Step {
        /// The stage is on its way to the executor; only then is the command sent.
        case announcing
        case executing
        case exchanging
        /// The outcome is told, or another channel's to tell; this one closes.
        case draining(until: Int)
        case done
    }

    let work: Work
    var step: Step
    let channel: SSHChannel
    /// End of standard input was sent: to the prelude that means cancel.
    var isInputEnded = false
    /// After a cancel: when the host's own ending is not waited for any longer.
    var stopDeadline: Int?

    init(_ work: Work, on channel: SSHChannel, step: Step) {
        self.work = work
        self.channel = channel
        self.step = step
    }

    var isCommand: Bool { if case .command = work { true } else { false } }

    /// Its outcome is told, or another channel's to tell.
    var isDraining: Bool {
        switch step {
        case .draining, .done: true
        case .announcing, .executing, .exchanging: false
        }
    }

    /// When something must be done although nothing comes.
    var deadline: Int? {
        switch (step, work) {
        case (.draining(let until), _): until
        case (.done, _): nil
        case (_, .kill(let kill)): kill.deadline
        case (_, .command(let run, _)): stopDeadline ?? run.deadline
        }
    }
}
