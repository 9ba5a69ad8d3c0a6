internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

/// Where what is told about jobs goes; returns at once, in order, and never calls back.
protocol WatchSink: AnyObject, Sendable {
    /// There is room: what is sent now does not pile up.
    var hasRoom: Bool { get }
    func send(_ frame: WireFrame)
    /// The last frame of a watch, with the result signed.
    func end(_ end: WireWatchEnd, result: WireJobResult?)
}

/// One watch of one connection: how far it has been told of its job.
struct Watcher: Sendable {
    let number: UInt64
    let jobID: String
    let follows: Bool
    private let sink: any WatchSink
    private var position: UInt64
    private var credit: Int
    private var job: Job?

    /// What is told of the job itself.
    private struct Job {
        let hook: String
        let correlationID: String
        let digest: [UInt8]
    }

    init(_ watch: WireWatch, sink: any WatchSink) {
        number = watch.watch
        jobID = watch.jobID
        follows = watch.follow
        position = watch.position
        credit = Int(watch.credit)
        self.sink = sink
    }

    /// The journal has answered.
    var isKnown: Bool { job != nil }

    func isSame(as other: Watcher) -> Bool { number == other.number && sink === other.sink }

    mutating func allow(_ more: Int) { credit = min(credit + more, WatchLimits.window) }

    mutating func begin(_ stored: StoredJob, _ status: WireJobStatus, attempt: UInt32) {
        job = Job(hook: stored.request.hook, correlationID: stored.request.correlationID, digest: stored.digest)
        tell(status, attempt: attempt)
    }

    func tell(_ status: WireJobStatus, attempt: UInt32) {
        guard let job else { return }
        let state = WireJobState.with {
            $0.watch = number
            $0.jobID = jobID
            $0.hook = job.hook
            $0.status = status
            $0.attempts = attempt
            $0.correlationID = job.correlationID
        }
        sink.send(.with { $0.jobState = state })
    }

    /// Sends what it has not had yet, as far as credit and connection allow.
    mutating func pump(_ tail: OutputTail) {
        // Asked for from another run's output, which this one's has not reached.
        guard job != nil, follows, position < tail.position else { return }
        while sink.hasRoom, let piece = tail.piece(at: position, limit: credit - WatchLimits.overhead) {
            position = piece.end
            credit -= WatchLimits.cost(ofBytes: piece.data.count)
            let output = WireOutput.with {
                $0.jobID = jobID
                $0.destination = piece.destination
                $0.stream = piece.stream
                $0.data = .init(piece.data)
                $0.watch = number
                $0.position = piece.position
            }
            sink.send(.with { $0.output = output })
        }
    }

    /// The job's end, for one that knows its job.
    func end(_ result: WireJobResult, position: UInt64) {
        guard let job else { return }
        var result = result
        result.jobID = jobID
        result.originalJobID = jobID
        result.requestDigest = .init(job.digest)
        result.duplicate = false
        result.correlationID = job.correlationID
        sink.end(.with { ($0.watch, $0.outcome, $0.position) = (number, .finished, position) }, result: result)
    }

    /// An end without a result.
    func end(_ outcome: WireWatchOutcome) {
        sink.end(.with { ($0.watch, $0.outcome) = (number, outcome) }, result: nil)
    }
}
