internal import JobProtocol
internal import NIOCore
internal import ProtocolMessages

/// A request that was handed over and is not answered yet, kept so that it survives a restart of the executor.
struct PendingJob {
    let jobID: String
    let dedupeKey: String
    let correlationID: String
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
    /// Another job stands for the event.
    var originalJobID: String
    var waiters: [UInt64: EventLoopPromise<JobDesk.Outcome>] = [:]
}
