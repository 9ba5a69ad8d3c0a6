import Glibc

/// Times for people: UTC, RFC 3339, to the second.
enum Timestamp {
    static func text(_ milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1000)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        return unsafe [
            pad(Int(parts.tm_year) + 1900, 4), "-", pad(Int(parts.tm_mon) + 1), "-", pad(Int(parts.tm_mday)), "T",
            pad(Int(parts.tm_hour)), ":", pad(Int(parts.tm_min)), ":", pad(Int(parts.tm_sec)), "Z",
        ].joined()
    }

    /// A span in its two largest units, as in `3d 4h`.
    static func span(_ milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds / 1000)
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m \(seconds % 60)s"
        case ..<86_400: return "\(seconds / 3600)h \(seconds / 60 % 60)m"
        default: return "\(seconds / 86_400)d \(seconds / 3600 % 24)h"
        }
    }

    /// A time that long ago (`30m`, `2h`, `7d`), or a UTC time of RFC 3339 to the second; Unix milliseconds.
    static func parse(_ text: String, now: Int64) -> Int64? {
        let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        if let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()), (0...100_000).contains(count) {
            return now - count * unit
        }
        return moment(text)
    }

    /// `2026-11-26T14:00:00Z`, and nothing that looks like it only.
    private static func moment(_ text: String) -> Int64? {
        let numbers = text.split(omittingEmptySubsequences: false) { "-T:Z".contains($0) }.dropLast().compactMap { Int32($0) }
        guard numbers.count == 6 else { return nil }
        var parts = unsafe tm()
        unsafe (parts.tm_year, parts.tm_mon, parts.tm_mday) = (numbers[0] - 1900, numbers[1] - 1, numbers[2])
        unsafe (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[3], numbers[4], numbers[5])
        let milliseconds = Int64(unsafe timegm(&parts)) * 1000
        return self.text(milliseconds) == text ? milliseconds : nil
    }

    private static func pad(_ number: Int, _ width: Int = 2) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
