/// Times in messages: RFC 3339, UTC, to the second. Computed here because gmtime_r(3) may open the time zone's file, which a sandbox forbids.
enum UTCTime {
    /// - Parameter milliseconds: since 1970-01-01 UTC.
    static func text(_ milliseconds: Int64) -> String {
        let (days, second) = (milliseconds / 1000).quotientAndRemainder(dividingBy: 86_400)
        // Howard Hinnant's civil_from_days: years begin in March, so that the leap day is the last.
        let shifted = days + 719_468
        let (era, dayOfEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = [padded(year, 4), padded(month, 2), padded(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, 2)]
        let time = [second / 3600, second / 60 % 60, second % 60].map { padded($0, 2) }
        return date.joined(separator: "-") + "T" + time.joined(separator: ":") + "Z"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
