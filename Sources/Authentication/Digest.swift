internal import COpenSSL

/// SHA-256 (FIPS 180-4).
public enum SHA256 {
    /// Bytes of a digest.
    public static let byteCount = 32

    /// The digest of `bytes`.
    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        var length: Int = 0
        let done = unsafe EVP_Q_digest(nil, "SHA256", nil, bytes, bytes.count, &digest, &length)
        // OpenSSL without SHA-256 cannot protect anything: there is no answer to give.
        precondition(done == 1 && length == byteCount, "SHA-256 is not available")
        return digest
    }
}

/// Comparison whose time says nothing about where two values differ.
public enum ConstantTime {
    /// True when both have the same length and the same bytes.
    public static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        unsafe left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}

/// Hexadecimal, lower case.
public enum Hex {
    /// Two digits a byte.
    public static func encode(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Random bytes from OpenSSL's generator, and ids made of them.
public enum Random {
    /// `count` bytes.
    public static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // A process without randomness must not go on signing.
        precondition(unsafe RAND_bytes(&bytes, Int32(count)) == 1, "no random bytes")
        return bytes
    }

    /// A UUID of version 7 (RFC 9562 section 5.7) for the time given in Unix milliseconds: ids sort by the time they were made.
    public static func uuidV7(milliseconds: Int64) -> String {
        var bytes = bytes(16)
        for index in 0..<6 { bytes[index] = UInt8(truncatingIfNeeded: milliseconds >> Int64(8 * (5 - index))) }
        bytes[6] = bytes[6] & 0x0f | 0x70
        bytes[8] = bytes[8] & 0x3f | 0x80
        let text = Hex.encode(bytes)
        var parts: [Substring] = []
        var rest = text[...]
        for length in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return parts.joined(separator: "-")
    }
}
