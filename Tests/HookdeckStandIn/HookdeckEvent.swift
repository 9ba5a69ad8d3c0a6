/// What Hookdeck keeps of one event: a request on its way to one destination.
public struct HookdeckEvent: Sendable {
    /// As the dashboard calls them.
    public enum Status: String, Sendable {
        case queued = "QUEUED"
        case hold = "HOLD"
        case successful = "SUCCESSFUL"
        case failed = "FAILED"
        case cancelled = "CANCELLED"
    }

    /// What brought an attempt about.
    public enum Trigger: String, Sendable {
        case initial = "INITIAL"
        case automatic = "AUTOMATIC"
        case manual = "MANUAL"
        case bulkRetry = "BULK_RETRY"
        case unpause = "UNPAUSE"
    }

    /// One delivery, and how it went. Times are Hookdeck's, in seconds.
    public struct Attempt: Sendable {
        /// From 1 on; a copy has that of its first.
        public let number: Int
        /// Why it was made.
        public let trigger: Trigger
        /// When it was sent.
        public let startedAt: Double
        /// What was sent, in order.
        public let headers: [(name: String, value: String)]
        /// When its answer was there, or given up.
        public internal(set) var endedAt: Double?
        /// Nil where nothing was answered.
        public internal(set) var status: Int?
        /// `TIMEOUT`, `CONNECTION_REFUSED` or `BAD_RESPONSE` where nothing was.
        public internal(set) var errorCode: String?
        /// The header of the answer.
        public internal(set) var retryAfter: String?
        /// The answer's.
        public internal(set) var body = ""

        /// The first header of that name that was sent, in any case.
        public func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
        var isSuccess: Bool { status.map { (200..<300).contains($0) } ?? false }
    }

    /// The same for all attempts.
    public let id: String
    /// Of the request that it is made of.
    public let requestID: String
    /// As of now; a failed one may have a next attempt.
    public internal(set) var status = Status.queued
    /// In their order.
    public internal(set) var attempts: [Attempt] = []
    /// When the next one begins, where one is planned.
    public internal(set) var nextAttemptAt: Double?
    let createdAt: Double
    /// As it came in.
    let original: (headers: [(name: String, value: String)], body: [UInt8])
    /// As the transformation made it, once for all attempts.
    let headers: [(name: String, value: String)]
    let body: [UInt8]
    var automaticRetries = 0
    var inFlight = 0

    init(
        id: String, requestID: String, createdAt: Double, original: (headers: [(name: String, value: String)], body: [UInt8]),
        headers: [(name: String, value: String)], body: [UInt8]
    ) {
        self.id = id
        self.requestID = requestID
        self.createdAt = createdAt
        self.original = original
        self.headers = headers
        self.body = body
    }

    /// Nothing is under way and nothing is planned.
    public var isSettled: Bool { inFlight == 0 && nextAttemptAt == nil && status != .hold }
}

/// What an operator is told of: events of one connection that failed for good in one way.
public struct HookdeckIssue: Sendable, Hashable {
    private let connection: String
    private let status: Int?
    private let errorCode: String?

    /// By what Hookdeck tells issues apart: the connection, and how the last attempt ended.
    public init(connection: String, status: Int?, errorCode: String?) {
        self.connection = connection
        self.status = status
        self.errorCode = errorCode
    }
}
