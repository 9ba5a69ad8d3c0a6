internal import NIOHTTP1

extension HTTPHeaders {
    /// The fields with the white space around their values taken off: it is no part of them (RFC 9110 section 5.5, RFC 9113 section 8.2.1),
    /// and with it a value would be another one to a rule than to the proxy in front.
    var trimmed: HTTPHeaders {
        guard contains(where: { Self.isBlank($0.value.utf8.first) || Self.isBlank($0.value.utf8.last) }) else { return self }
        return HTTPHeaders(
            map { name, value in
                let start = value.utf8.drop { Self.isBlank($0) }
                let end = start.lastIndex { !Self.isBlank($0) }
                return (name, end.map { String(start[...$0]) ?? value } ?? "")
            })
    }

    private static func isBlank(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 }
}
