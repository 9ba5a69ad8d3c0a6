internal import JobProtocol
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Synchronization

/// What the ingress asks its executors about jobs, and who wants to know. Every connected executor is asked in turn until one has the job.
///
/// One that goes away while its job is followed is asked again when it comes back; whoever wanted one answer is told at once.
final class JobWatches: Sendable {
    /// What became of asking.
    enum Opened: Equatable {
        /// The answer comes; ``close(_:)`` when nobody wants it any more.
        case watching(UInt64)
        /// No executor is connected.
        case away
        /// None of those connected answers such questions.
        case tooOld
        /// ``WatchLimits/watches`` are open.
        case full
    }

    /// What is told of a job: states and output, and at last one end.
    enum Event: Sendable {
        case state(WireJobState, EventPlace)
        /// `dropped` bytes before this piece are missing.
        case output(WireOutput, dropped: UInt64, EventPlace)
        case finished(WireJobResult, dropped: UInt64, EventPlace)
        /// It has no result yet, and no more was asked.
        case unfinished
        case notFound
        /// The executor cannot say, or is gone.
        case unavailable
    }

    private let trusted: TrustedKeys
    private let table = Mutex(Table())

    /// - Parameter trusted: whose results are believed.
    init(trusted: TrustedKeys) { self.trusted = trusted }

    /// Watches open now.
    var count: Int { table.withLock { $0.watches.count } }

    /// An executor that answers questions is connected.
    var isAnswered: Bool { table.withLock { $0.links.contains(where: \.answersWatches) } }

    /// Asks how a job is, and with `follows` what becomes of it.
    ///
    /// - Parameters:
    ///   - place: where a reader of the output has come to before.
    ///   - receive: told on `eventLoop`, in order, never within this call, and nothing after an end.
    func open(
        _ jobID: String, follows: Bool, after place: EventPlace? = nil, on eventLoop: any EventLoop,
        _ receive: @escaping @Sendable (Event) -> Void
    ) -> Opened {
        table.withLock { table in
            guard !table.links.isEmpty else { return .away }
            guard table.links.contains(where: \.answersWatches) else { return .tooOld }
            guard table.watches.count < WatchLimits.watches else { return .full }
            table.lastHandle += 1
            let handle = table.lastHandle
            let watch = Watch(jobID: jobID, follows: follows, place: place, eventLoop: eventLoop, receive: receive)
            table.watches[handle] = watch
            table.ask(handle)
            return .watching(handle)
        }
    }

    /// A piece of output of so many bytes has gone on to the reader: as much may come.
    func consumed(_ handle: UInt64, bytes: Int) {
        table.withLock { $0.consumed(handle, bytes: bytes) }
    }

    /// Nobody wants to know any more. The job goes on.
    func close(_ handle: UInt64) {
        table.withLock { table in
            guard let watch = table.watches.removeValue(forKey: handle), let link = watch.link else { return }
            table.handles[watch.number] = nil
            link.post(.with { $0.unwatch = .with { $0.watch = watch.number } })
        }
    }
}

extension JobWatches {
    /// An executor proved itself. What an older connection of it was asked, and what waits for it, it is asked again.
    func connected(_ link: ExecutorLink) {
        table.withLock { table in
            for old in table.links where old.keyID == link.keyID { table.drop(old) }
            table.links.append(link)
            for (handle, watch) in table.watches where watch.link == nil && watch.executor == link.keyID {
                if link.answersWatches { table.ask(handle, link) } else { table.end(handle, .unavailable) }
            }
        }
    }

    func disconnected(_ link: ExecutorLink) { table.withLock { $0.drop(link) } }

    /// - Throws: ``ProtocolError`` for what nobody asked.
    func state(_ state: WireJobState, by link: ExecutorLink) throws(ProtocolError) {
        try table.withLock { table throws(ProtocolError) in
            guard let handle = try table.handle(state.watch, link) else { return }
            guard state.jobID == table.watches[handle]?.jobID, state.hook.utf8.count <= JobLimits.name else {
                throw .violation("state of another job than was asked about")
            }
            table.watches[handle]?.isKnown = true
            if let place = table.watches[handle]?.place { table.tell(handle, .state(state, place)) }
        }
    }

    /// - Throws: ``ProtocolError`` for output that nobody asked for, of more than its credit, or out of order.
    func output(_ output: WireOutput, by link: ExecutorLink) throws(ProtocolError) {
        // What older executors send unasked.
        guard output.watch != 0 else { return }
        try table.withLock { table throws(ProtocolError) in
            guard let handle = try table.handle(output.watch, link), var watch = table.watches[handle] else { return }
            let event = try watch.take(output)
            table.watches[handle] = watch
            table.tell(handle, event)
        }
    }

    /// - Throws: ``ProtocolError`` for an end that makes no sense, and a result that is not signed or is another job's.
    func end(_ end: WireWatchEnd, by link: ExecutorLink) throws(ProtocolError) {
        var result = WireJobResult()
        if end.outcome == .finished { result = try trusted.result(in: end.envelope) }
        try table.withLock { table throws(ProtocolError) in
            guard let handle = try table.handle(end.watch, link), let watch = table.watches[handle] else { return }
            switch end.outcome {
            case .finished:
                guard watch.isKnown, result.originalJobID == watch.jobID else { throw .violation("result of another job") }
                guard let place = watch.place else { return }
                let dropped = watch.follows && end.position > place.position ? end.position - place.position : 0
                table.end(handle, .finished(result, dropped: dropped, place))
            case .unfinished:
                guard watch.isKnown, !watch.follows else { throw .violation("a followed job ended without a result") }
                table.end(handle, .unfinished)
            case .notFound: table.notFound(handle, link)
            case .unavailable, .unspecified, .UNRECOGNIZED: table.end(handle, .unavailable)
            }
        }
    }
}
