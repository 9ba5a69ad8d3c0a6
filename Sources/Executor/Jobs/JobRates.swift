internal import JobProtocol
internal import NIOCore
internal import Synchronization

/// How often jobs with a `rate` may begin: a token bucket for each.
final class JobRates: Sendable {
    private let buckets = Mutex<[String: TokenBucket]>([:])

    /// Nanoseconds of a clock that only goes forward.
    static func now() -> Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }

    /// Takes one, where the job has a rate. False when there is none left.
    func take(_ job: JobPolicy, now: Int64) -> Bool {
        guard let rate = job.rate else { return true }
        return buckets.withLock { buckets in
            var bucket = buckets[job.name]?.at(rate) ?? TokenBucket(rate)
            let isFree = bucket.wait(now: now) == 0
            if isFree { bucket.take(now: now) }
            buckets[job.name] = bucket
            return isFree
        }
    }

    /// Gives one back for a request that became no new job.
    func giveBack(_ job: JobPolicy) {
        guard job.rate != nil else { return }
        buckets.withLock { $0[job.name]?.giveBack() }
    }
}
