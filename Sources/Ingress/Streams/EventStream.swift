internal import JobProtocol
internal import NIOCore
internal import ProtocolMessages

/// One reader of a job's events: takes what the executor tells, and writes it as fast as the reader reads. Lives on the reader's event
/// loop.
///
/// A slow reader holds back the credit of its watch and nothing else: what waits here is at most one window of output, one state and the
/// result. What it misses is dropped by the executor and marked where it is missing; the result is never dropped.
final class EventStream {
    /// Something is written at least this often.
    static let heartbeat = TimeAmount.seconds(15)
    /// Heartbeats in a row that a reader may not take before its connection is closed.
    static let patience = 4
    /// The longest a stream lasts; a reader that wants more comes back with `Last-Event-ID`, and with a token that is still good.
    static let longest = TimeAmount.hours(1)

    /// The connection, as far as a stream needs it.
    struct Writer {
        let isWritable: () -> Bool
        /// Writes, and flushes.
        let write: (ByteBuffer) -> Void
        /// The body is complete.
        let end: () -> Void
        /// The reader does not read.
        let abort: () -> Void
    }

    private let watches: JobWatches
    private let handle: UInt64
    private let eventLoop: any EventLoop
    private let dropped: (Int) -> Void
    /// Told once, how the job stood when the stream ended.
    private var onEnd: ((WireJobStatus) -> Void)?
    private let isDuplicate: Bool
    private var waiting = CircularBuffer<JobEvent>()
    private var writer: Writer?
    private var state: WireJobState
    private var place: EventPlace
    private var isComplete = false
    private var wroteLately = false
    private var missedHeartbeats = 0
    private var timers: [() -> Void] = []

    /// - Parameters:
    ///   - handle: the watch, from which `state` came already.
    ///   - dropped: is told how many bytes of output the reader misses.
    init(
        _ handle: UInt64, of watches: JobWatches, state: WireJobState, at place: EventPlace, isDuplicate: Bool,
        eventLoop: any EventLoop, dropped: @escaping (Int) -> Void, onEnd: @escaping (WireJobStatus) -> Void
    ) {
        self.handle = handle
        self.watches = watches
        self.state = state
        self.place = place
        self.isDuplicate = isDuplicate
        self.eventLoop = eventLoop
        self.dropped = dropped
        self.onEnd = onEnd
        waiting.append(.state(state, place))
    }

    /// Takes what the watch tells.
    func receive(_ event: JobWatches.Event) {
        guard !isComplete else { return }
        switch event {
        case .state(let state, let place):
            (self.state, self.place) = (state, place)
            // Only the newest counts for a reader that is behind.
            waiting.removeAll { if case .state = $0 { true } else { false } }
            waiting.append(.state(state, place))
        case .output(let output, let missing, let place):
            self.place = place
            mark(missing)
            waiting.append(
                .output(
                    destination: output.destination, stream: output.stream, data: [UInt8](output.data), dropped: missing, place))
        case .finished(var result, let missing, let place):
            if missing > 0 {
                mark(missing)
                waiting.append(.output(destination: "", stream: .stdout, data: [], dropped: missing, place))
            }
            result.duplicate = result.duplicate || isDuplicate
            waiting.append(.result(result, place))
            complete(result.status)
        case .notFound, .unavailable, .unfinished:
            waiting.append(.comment("the executor cannot say more about this job"))
            complete(.unknown)
        }
        drain()
    }

    private func mark(_ missing: UInt64) { if missing > 0 { dropped(Int(clamping: missing)) } }

    /// The answer's head has been written: the body may follow.
    func attach(_ writer: Writer) {
        self.writer = writer
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let beat = eventLoop.scheduleRepeatedTask(initialDelay: Self.heartbeat, delay: Self.heartbeat) { _ in bound.value.beat() }
        let limit = eventLoop.scheduleTask(in: Self.longest) { bound.value.stop(.comment("this stream has lasted its hour")) }
        timers = [{ beat.cancel() }, { limit.cancel() }]
        writer.write(ByteBuffer(string: EventText.retry))
        drain()
    }

    /// The delivery's wait has ended before its job: says so, and ends.
    func expire() { stop(.pending(state, place)) }

    /// The ingress stops: the reader may come back for the rest.
    func leave() { stop(.comment("the ingress is stopping")) }

    private func stop(_ last: JobEvent) {
        guard !isComplete else { return }
        watches.close(handle)
        waiting.append(last)
        complete(state.status)
        drain()
    }

    /// The reader is gone. The job goes on.
    func readerLeft() {
        if !isComplete { watches.close(handle) }
        waiting.removeAll()
        complete(state.status)
        finish()
    }

    /// There is nothing more to come.
    private func complete(_ status: WireJobStatus) {
        isComplete = true
        onEnd?(status)
        onEnd = nil
    }

    private func finish() {
        for cancel in timers { cancel() }
        timers = []
        writer = nil
    }

    /// Writes what the reader takes now.
    func drain() {
        guard let writer else { return }
        while writer.isWritable(), let event = waiting.popFirst() {
            wroteLately = true
            writer.write(ByteBuffer(bytes: event.bytes))
            // The write may have ended the connection, and this stream with it.
            guard self.writer != nil else { return }
            if case .output(_, _, let data, _, _) = event, !isComplete { watches.consumed(handle, bytes: data.count) }
        }
        guard isComplete, waiting.isEmpty else { return }
        finish()
        writer.end()
    }

    private func beat() {
        guard let writer else { return }
        if writer.isWritable() {
            missedHeartbeats = 0
            if !wroteLately { writer.write(ByteBuffer(string: EventText.heartbeat)) }
            wroteLately = false
        } else {
            missedHeartbeats += 1
            if missedHeartbeats >= Self.patience { writer.abort() }
        }
    }
}
