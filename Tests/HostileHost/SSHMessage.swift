/// Message numbers of RFC 4250 section 4.1 and RFC 8308, as far as the host of the tests has to do with them.
public enum SSHMessage: UInt8 {
    case disconnect = 1, ignore, unimplemented, debug, serviceRequest, serviceAccept, extensionInfo
    case keyExchangeStart = 20, newKeys
    case exchangeRequest = 30, exchangeReply
    case authenticationRequest = 50, authenticationFailure, authenticationSuccess, authenticationBanner
    case publicKeyAccepted = 60
    case globalRequest = 80, requestSuccess, requestFailure
    case channelOpen = 90, channelOpened, channelRefused, windowAdjust, channelData, channelErrors, channelEOF, channelClose
    case channelRequest, channelSuccess, channelFailure

    /// A payload that begins with this number.
    public func callAsFunction(_ fill: (inout MessageWriter) -> Void = { _ in }) -> [UInt8] {
        var writer = MessageWriter()
        writer.byte(rawValue)
        fill(&writer)
        return writer.bytes
    }
}

/// Writes the data types of SSH (RFC 4251 section 5), right or wrong.
public struct MessageWriter {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []

    /// As it is.
    public mutating func byte(_ value: UInt8) { bytes.append(value) }
    /// Four bytes each, big-endian.
    public mutating func uint32(_ values: UInt32...) {
        for value in values {
            for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
    }
    /// Bytes with their number before them; a false one where it is given.
    public mutating func string(_ value: [UInt8], length: UInt32? = nil) {
        uint32(length ?? UInt32(value.count))
        bytes += value
    }
    /// The same for text.
    public mutating func text(_ value: String) { string(Array(value.utf8)) }
    /// An unsigned number: without leading zeros, with one in front when it would look negative.
    mutating func mpint(_ value: [UInt8]) {
        let digits = value.drop { $0 == 0 }
        string((digits.first ?? 0) & 0x80 != 0 ? [0] + digits : Array(digits))
    }
}
