/// A URL (RFC 3986) whose scheme and host are on a list, read so strictly that no two programs take it for different ones.
///
/// No user and password, no address in brackets, no port but the listed one, none but the characters that RFC 3986 allows.
struct URLRule: Sendable {
    /// `https`, and `http` where the settings say so.
    let schemes: [String]
    /// As in `example.com`, `example.com:8443`, and `*.example.com` for every name that ends in it. Lower case.
    let hosts: [String]

    /// - Throws: ``ParameterError`` saying which rule the URL breaks.
    func check(_ value: String) throws(ParameterError) {
        let bytes = Array(value.utf8)
        guard bytes.allSatisfy(Self.isAllowed), Self.escapesAreWhole(bytes) else {
            throw ParameterError("has a character in it that no URL has")
        }
        guard let scheme = schemes.first(where: { value.hasPrefix("\($0)://") }) else {
            throw ParameterError("does not begin with \(schemes.map { "\($0)://" }.joined(separator: " or "))")
        }
        let authority = value.utf8.dropFirst(scheme.utf8.count + 3).prefix { !"/?#".utf8.contains($0) }
        guard !authority.contains(UInt8(ascii: "@")) else { throw ParameterError("has a user or password in it") }
        let host = String(decoding: authority, as: UTF8.self).lowercased()
        guard Self.isHost(host), hosts.contains(where: { Self.matches($0, host) }) else {
            throw ParameterError("is of a host that is not listed")
        }
    }

    /// A host as a list may have it, with or without `*.` before and a port behind it.
    static func isEntry(_ text: String) -> Bool {
        isHost(text.hasPrefix("*.") ? String(text.dropFirst(2)) : text) && text == text.lowercased()
    }

    private static func matches(_ entry: String, _ host: String) -> Bool {
        guard entry.hasPrefix("*.") else { return entry == host }
        return host.hasSuffix(entry.dropFirst(1)) && host.utf8.count > entry.utf8.count - 1
    }

    /// Labels of letters, digits and `-` (RFC 1123 section 2.1), then perhaps a port.
    private static func isHost(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts[0].utf8.count <= 253 else { return false }
        if parts.count == 2 {
            guard let port = UInt16(parts[1]), port > 0, String(port) == parts[1] else { return false }
        }
        return parts[0].split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last, label.utf8.count <= 63 else { return false }
            return first != UInt8(ascii: "-") && last != UInt8(ascii: "-")
                && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func escapesAreWhole(_ bytes: [UInt8]) -> Bool {
        bytes.indices.allSatisfy { index in
            guard bytes[index] == UInt8(ascii: "%") else { return true }
            return index + 2 < bytes.count && isHex(bytes[index + 1]) && isHex(bytes[index + 2])
        }
    }

    /// Unreserved, reserved but for the brackets of an address, and `%` (RFC 3986 section 2).
    private static func isAllowed(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "-._~:/?#@!$&'()*+,;=%".utf8.contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}
