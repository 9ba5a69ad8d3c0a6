internal import JobProtocol
internal import Settings

/// Reads `limits`: what all senders together, one sender and one request may take.
struct LimitSettings: Sendable, Equatable {
    var http = HTTPLimits()
    var requests = RequestLimits()

    /// Nothing but defaults.
    init() {}

    init(_ node: SettingsNode) {
        let limits = node.mapping(
            "rate", "waiting", "body-memory", "connections", "connections-per-address", "headers", "header-size", "headers-size",
            "streams", "idle", "head-time", "body-time", "body-rate")
        requests.rate = limits.optional("rate").rate() ?? requests.rate
        requests.waiting = limits.optional("waiting").int(in: 1...4096) ?? requests.waiting
        requests.bodies = limits.optional("body-memory").byteCount(in: 1024 * 1024...16 * 1024 * 1024 * 1024) ?? requests.bodies
        http.connections.total = limits.optional("connections").int(in: 1...65_536) ?? http.connections.total
        http.connections.address = limits.optional("connections-per-address").int(in: 1...65_536) ?? http.connections.address
        http.headerCount = limits.optional("headers").int(in: 16...1024) ?? http.headerCount
        http.headerSize = limits.optional("header-size").byteCount(in: 1024...256 * 1024) ?? http.headerSize
        http.headersSize = limits.optional("headers-size").byteCount(in: 4096...1024 * 1024) ?? http.headersSize
        http.streams = limits.optional("streams").int(in: 1...1024) ?? http.streams
        http.patience = Self.patience(limits, http.patience)
        if http.headersSize < http.headerSize {
            node.problem("`headers-size` is less than `header-size`: no field of that size would fit")
        }
    }

    private static func patience(_ limits: SettingsMapping, _ standard: SenderPatience.Limits) -> SenderPatience.Limits {
        var patience = standard
        let times: ClosedRange<Duration> = .seconds(1) ... .seconds(600)
        patience.idle = limits.optional("idle").duration(in: times) ?? patience.idle
        patience.head = limits.optional("head-time").duration(in: times) ?? patience.head
        patience.body = limits.optional("body-time").duration(in: times) ?? patience.body
        patience.bodyRate = limits.optional("body-rate").byteCount(in: 0...1024 * 1024) ?? patience.bodyRate
        return patience
    }

    /// In words, for `check`.
    var summary: String {
        """
        limits: \(http.connections.total) connections, \(http.connections.address) from one address; \(requests.waiting) deliveries \
        wait at most; \(requests.rate.words) over all hooks
        """
    }
}

extension TokenBucket.Rate {
    /// As in `200 deliveries per 1s`.
    var words: String { "\(count) deliveries per \(period.components.seconds)s" }
}
