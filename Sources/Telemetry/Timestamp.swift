internal import Glibc

/// Times as log lines have them.
public enum Timestamp {
    /// The time now.
    static func now() -> String {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return text(seconds: time.tv_sec, milliseconds: time.tv_nsec / 1_000_000)
    }

    /// RFC 3339 in whole seconds, UTC, of a time in Unix seconds.
    public static func text(seconds: Int) -> String { text(seconds: seconds, milliseconds: 0).prefix(19) + "Z" }

    /// RFC 3339 with milliseconds, UTC. Computed here because gmtime_r(3) may open the time zone's file, which a sandbox forbids.
    static func text(seconds: Int, milliseconds: Int) -> String {
        let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = date(days: days)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        func write(_ number: Int, firstDigit: Int, before end: Unicode.Scalar) {
            var divisor = firstDigit
            while divisor > 0 {
                bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
                divisor /= 10
            }
            bytes.append(UInt8(ascii: end))
        }
        write(year, firstDigit: 1000, before: "-")
        write(month, firstDigit: 10, before: "-")
        write(day, firstDigit: 10, before: "T")
        write(second / 3600, firstDigit: 10, before: ":")
        write(second / 60 % 60, firstDigit: 10, before: ":")
        write(second % 60, firstDigit: 10, before: ".")
        write(milliseconds, firstDigit: 100, before: "Z")
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The day of the Gregorian calendar, `days` after 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms").
    private static func date(days: Int) -> (year: Int, month: Int, day: Int) {
        // Years begin in March here, so that the leap day is the last one; 719468 days lie between 0000-03-01 and 1970-01-01.
        let shifted = days + 719_468
        let (era, dayOfEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
