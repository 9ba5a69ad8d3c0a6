internal import COpenSSL
internal import Glibc

/// Random bytes from OpenSSL's generator, and ids made of them.
public enum Random {
    /// `count` bytes.
    public static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // A process without randomness must not go on signing.
        precondition(unsafe RAND_bytes(&bytes, Int32(count)) == 1, "no random bytes")
        return bytes
    }

    /// A UUID of version 7 (RFC 9562 section 5.7) for the time given in Unix milliseconds, now when left out: ids sort by the
    /// time they were made, those of one millisecond in any order.
    public static func uuidV7(milliseconds: Int64? = nil) -> String {
        let milliseconds = milliseconds ?? now()
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

    private static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
