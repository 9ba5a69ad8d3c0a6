internal import NIOHTTP1

extension HTTPRequestHead {
    /// What RFC 9112 section 3.2 demands: HTTP/1.1 comes with one `Host`, and nothing comes with two or with what cannot be one. Two
    /// programs that read such a request might take it for two different servers'.
    var hasHost: Bool {
        let fields = headers["host"]
        guard let host = fields.first else { return (version.major, version.minor) < (1, 1) }
        return fields.count == 1 && host.utf8.allSatisfy(Self.isOfHost)
    }

    /// Characters of a host and a port (RFC 3986 section 3.2.2), or white space around them.
    private static func isOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~!$&'()*+,;=%:[] \t".utf8.contains(byte)
        }
    }
}
