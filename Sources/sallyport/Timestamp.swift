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

    private static func pad(_ number: Int, _ width: Int = 2) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
