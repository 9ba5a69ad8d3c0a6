internal import JobProtocol
internal import NIOCore
internal import NIOHTTP2

/// What one connection of HTTP/2 (RFC 9113) may take. Beyond the settings these are constants: nobody honest comes near them.
enum HTTP2Limits {
    /// Streams a client may reset, and frames without data it may send, within the window (CVE-2023-44487, "rapid reset", and its kin).
    static let resets = 100
    static let controlFrames = 200
    static let window = TimeAmount.seconds(30)
    /// CONTINUATION frames of one head ("CONTINUATION flood").
    static let continuations = 5
    /// DATA frames without data, one after the other (CVE-2019-9518).
    static let emptyData = 1
    /// Streams that were reset a moment ago and whose late frames are passed over.
    static let recentlyReset = 32
    /// Frames that break a rule without being an attack for certain.
    static let glitches = 100
    /// Answers to SETTINGS and PING that a client leaves unread.
    static let bufferedControlFrames = 1000
    /// Bytes that a client may send before we have read what came.
    static let receiveWindow = 256 * 1024
    /// For how long open streams may go on after GOAWAY.
    static let grace = TimeAmount.seconds(30)

    static func connection(_ limits: HTTPLimits) -> NIOHTTP2Handler.ConnectionConfiguration {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.streams),
            // Counted with 32 bytes a field besides its own (RFC 9113 section 6.5.2).
            HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headersSize),
        ]
        connection.maximumSequentialContinuationFrames = continuations
        connection.maximumSequentialEmptyDataFrames = emptyData
        connection.maximumRecentlyResetStreams = recentlyReset
        connection.maximumBufferedControlFrames = bufferedControlFrames
        connection.maximumConnectionGlitches = glitches
        connection.targetWindowSize = receiveWindow
        connection.controlFrameRateLimit.maximumCount = controlFrames
        connection.controlFrameRateLimit.windowLength = window
        return connection
    }

    static var stream: NIOHTTP2Handler.StreamConfiguration {
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = receiveWindow
        stream.streamResetFrameRateLimit.maximumCount = resets
        stream.streamResetFrameRateLimit.windowLength = window
        stream.streamErrorRateLimit.maximumCount = resets
        stream.streamErrorRateLimit.windowLength = window
        return stream
    }

    static func management(_ limits: HTTPLimits) -> NIOHTTP2ServerConnectionManagementHandler.Configuration {
        .init(maxIdleTime: .nanoseconds(limits.patience.idle.nanoseconds), maxAge: nil, maxGraceTime: grace, keepalive: nil)
    }
}
