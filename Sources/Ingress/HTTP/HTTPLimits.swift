internal import NIOCore
internal import NIOHTTP1

/// What one connection and one request may take of the ingress. The numbers here are the defaults of the settings.
struct HTTPLimits: Sendable, Equatable {
    /// How long a sender may take.
    var patience = SenderPatience.Limits()
    /// Connections of senders.
    var connections = ConnectionTable.Limits()
    /// Fields of one head.
    var headerCount = 100
    /// Bytes of one field, name and value; of the request target too.
    var headerSize = 16 * 1024
    /// Bytes of all fields of one head and the request target together.
    var headersSize = 64 * 1024
    /// Requests at once on one HTTP/2 connection.
    var streams = 64
    /// From an answer to an unfinished request to the end of the connection.
    var linger = TimeAmount.milliseconds(500)
    /// Bytes of a body that are read to keep the connection although the answer is known.
    var discard = 64 * 1024

    /// Connections at once of the operations listener, which has its own so that senders cannot take it from whoever asks for health.
    static let operations = ConnectionTable.Limits(total: 64, address: 64)

    /// The same for the parser of HTTP/1.1.
    var decoder: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldCount = headerCount
        limits.maxHeaderFieldSize = headerSize
        limits.maxHeaderListSize = headersSize
        return limits
    }
}
