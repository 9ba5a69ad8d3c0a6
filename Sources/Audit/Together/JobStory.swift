internal import Authentication

/// A job, in 16 bytes: the first of the SHA-256 of its id. What is told of a job takes the id from the record or the story at hand.
struct JobKey: Hashable {
    private let first: UInt64
    private let second: UInt64

    init(_ id: String) {
        let bytes = SHA256.hash(Array(id.utf8))
        func number(_ bytes: some Collection<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        (first, second) = (number(bytes.prefix(8)), number(bytes.dropFirst(8).prefix(8)))
    }
}

/// What all logs have of one job: who had it, and how it ended.
struct JobStory {
    /// From somewhere in a log on the job was that executor's.
    struct Holding {
        /// How it came to have it.
        enum Beginning: Equatable {
            case accepted
            /// As its record says; `from` is nil where that was not known.
            case takenOver(from: String?, epoch: Int64)
            /// It has records of it, and none that says how it came to have it.
            case untold
        }

        /// The log's place among all.
        let log: Int
        /// The first of its records.
        let record: UInt64
        let beginning: Beginning
        /// The number of the executor's start when it came to have it; nil where the log does not say.
        let epoch: Int64?
        /// The same of its last record of the job.
        var lastEpoch: Int64?
        /// The record of the job's result.
        var end: UInt64?
        /// That of another one.
        var secondEnd: UInt64?
        /// The executor that has it next says that it took it over from here.
        var next: Int?
    }

    let id: String
    /// In the order in which the logs were read.
    var holdings: [Holding] = []

    /// It began and ended in one log, as most do.
    var isPlain: Bool { holdings.count == 1 && holdings[0].beginning == .accepted && holdings[0].end != nil }
}

extension JobStories {
    /// What is known of a log beside its jobs.
    struct Log {
        let origin: String
        /// Records before the first that is there.
        var first: UInt64 = 0
        /// The number of the executor's newest start; nil where that was not written down: by a version that knew no takeovers, or with a
        /// journal of its own.
        var epoch: Int64?
        /// It ran in such a way, and may have taken jobs over without a word.
        var hasUntoldStarts = false
        /// From each start to the last record before the next, in Unix milliseconds.
        var runs: [(from: Int64, to: Int64)] = []
        /// When it stopped in order; nil where that is not the newest record.
        var stoppedAt: Int64?
        /// Unix milliseconds of the newest record.
        var newest: Int64 = 0

        /// Its oldest files are not here.
        var isCut: Bool { first > 0 }
    }
}
