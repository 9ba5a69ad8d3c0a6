internal import FoundationEssentials
internal import JobProtocol
internal import NIOCore
internal import ProtocolMessages

/// A request that was handed over and is not answered yet, kept so that it survives a restart of the executor.
struct PendingJob {
    let jobID: String
    let dedupeKey: String
    let correlationID: String
    let bodyDigest: [UInt8]
    /// Digest of the signed request: only a result that names it is ours.
    let digest: [UInt8]
    /// Submit and body, encoded; the same bytes each time, so that the executor sees the same job.
    let frames: [[UInt8]]
    /// Unix milliseconds; past it, and with nobody waiting, the executor alone knows about the job.
    let expiresAt: Int64
    /// The executor that has it, by the name of its key.
    var executor: String
    /// The executor said that the job is durable.
    var isAccepted = false
    /// Its sender was told that it was not taken, so it is not handed over again; the executor still counts it.
    var isGivenUp = false
    /// Another job stands for the event.
    var originalJobID: String
    var waiters: [UInt64: Waiter] = [:]

    /// A delivery that waits for this request's job.
    struct Waiter {
        let promise: EventLoopPromise<JobDesk.Outcome>
        let wish: JobDesk.Wish
        /// It came while the event was in flight already.
        var isJoined = false
    }

    init(_ signed: SignedRequest) throws(ProtocolError) {
        let request = signed.request
        jobID = request.jobID
        dedupeKey = request.dedupeKey
        correlationID = request.correlationID
        bodyDigest = [UInt8](request.bodyDigest)
        digest = signed.digest
        frames = try signed.frames()
        expiresAt = request.expiresAtMs
        executor = ""
        originalJobID = request.jobID
    }

    /// The waiters that do not want another delivery's job; they wait no more.
    mutating func takeStrangers() -> [EventLoopPromise<JobDesk.Outcome>] {
        let strangers = waiters.filter(\.value.wish.neverJoins)
        for number in strangers.keys { waiters[number] = nil }
        return strangers.values.map(\.promise)
    }

    /// The waiters that learn all they want from the job's being durable; they wait no more.
    mutating func takeSatisfied() -> [EventLoopPromise<JobDesk.Outcome>] {
        guard isAccepted else { return [] }
        let satisfied = waiters.filter(\.value.wish.untilAccepted)
        for number in satisfied.keys { waiters[number] = nil }
        return satisfied.values.map(\.promise)
    }
}
