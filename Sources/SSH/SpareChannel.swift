/// A channel whose prelude is started before there is a command for it.
final class SpareChannel {
    enum Step {
        /// The request to run the prelude is on its way; on a session there is only ever one.
        case executing
        /// The prelude starts, or waits for its command.
        case started
        /// It will not become ready, or is no more.
        case ended
    }

    let channel: SSHChannel
    let prelude: WaitingPrelude
    var step = Step.executing
    /// When it must be ready, in milliseconds of the worker's clock.
    let limit: Int

    init(_ channel: SSHChannel, now: Int) {
        self.channel = channel
        prelude = WaitingPrelude()
        limit = now + WaitingPrelude.limit
    }

    /// Goes on with a prelude that nothing was sent to.
    init(takenBack task: ChannelTask) {
        channel = task.channel
        prelude = task.prelude
        step = .started
        limit = .max
    }

    var isExecuting: Bool { if case .executing = step { true } else { false } }
    var isEnded: Bool { if case .ended = step { true } else { false } }
    var isReady: Bool { !isEnded && prelude.processGroup != nil }
    /// When it must be looked at although nothing comes.
    var deadline: Int? { isReady || isEnded ? nil : limit }
}
