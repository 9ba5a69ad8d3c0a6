internal import NIOCore

/// Runs tasks on an event loop: what comes from a socket, goes to the journal's thread and back to a socket then changes threads twice,
/// not eight times, and each change can cost a sleeping processor's wake-up.
///
/// Tasks on it must not block, as on any event loop.
final class LoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    func asUnownedTaskExecutor() -> UnownedTaskExecutor { unsafe UnownedTaskExecutor(ordinary: self) }
}
