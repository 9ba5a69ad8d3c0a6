/// Readers of single values. Each notes a problem that says what was expected; none repeats what might be a secret.
extension SettingsNode {
    /// Any text, not empty, of at most `maximumLength` bytes.
    public func string(maximumLength: Int = 4096) -> String? {
        guard let text = scalar("a text") else { return nil }
        guard !text.isEmpty else { return refused("must not be empty") }
        return within(maximumLength, text)
    }

    /// Any text, empty too.
    public func text(maximumLength: Int = 4096) -> String? {
        guard let text = scalar("a text") else { return nil }
        return within(maximumLength, text)
    }

    private func within(_ limit: Int, _ text: String) -> String? {
        text.utf8.count <= limit ? text : refused("has \(text.utf8.count) bytes, the limit is \(limit)")
    }

    /// A name: letters, digits, `.`, `_`, `-`.
    public func name() -> String? {
        guard let text = scalar("a name") else { return nil }
        return Names.isName(text) ? text : refused("not a name: \(Names.rule)")
    }

    /// A whole number within `range`.
    public func int(in range: ClosedRange<Int>) -> Int? {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let text = scalar(expected) else { return nil }
        // YAML's older dialects read a leading zero as octal: it is refused, not guessed.
        guard let number = Int(text), String(number) == text, range.contains(number) else {
            return refused("expected \(expected)")
        }
        return number
    }

    /// `true` or `false`.
    public func bool() -> Bool? {
        switch scalar("true or false") {
        case "true": true
        case "false": false
        case nil: nil
        default: refused("expected true or false")
        }
    }

    /// One of the cases of an enumeration.
    public func choice<T: RawRepresentable & CaseIterable>(_: T.Type) -> T? where T.RawValue == String {
        let expected = "one of " + T.allCases.map(\.rawValue).joined(separator: ", ")
        guard let text = scalar(expected) else { return nil }
        return T(rawValue: text) ?? refused("expected \(expected)")
    }

    /// A time with its unit: `500ms`, `25s`, `2m`, `1h`, `30d`.
    public func duration(in range: ClosedRange<Duration>) -> Duration? {
        guard let text = scalar("a time such as 500ms, 25s, 2m, 1h or 30d") else { return nil }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [String: Int] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let number = Int(digits), number < 1_000_000_000, let unit = units[String(text.dropFirst(digits.count))] else {
            return refused("expected a time with its unit, such as 500ms, 25s, 2m, 1h or 30d")
        }
        let value = Duration.milliseconds(number * unit)
        guard range.contains(value) else {
            return refused("expected a time from \(Self.words(range.lowerBound)) to \(Self.words(range.upperBound))")
        }
        return value
    }

    /// As it would be written in the settings.
    public static func words(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        let units: [(String, Int64)] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
        for (unit, length) in units where milliseconds > 0 && milliseconds % length == 0 {
            return "\(milliseconds / length)\(unit)"
        }
        return "\(milliseconds)ms"
    }

    /// A number of bytes with its unit: `512B`, `16KiB`, `1MiB`.
    public func byteCount(in range: ClosedRange<Int>) -> Int? {
        guard let text = scalar("a size such as 512B, 16KiB or 1MiB") else { return nil }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units = ["B": 1, "KiB": 1024, "MiB": 1024 * 1024]
        guard let number = Int(digits), number < 1_000_000_000, let unit = units[String(text.dropFirst(digits.count))] else {
            return refused("expected a size with its unit, such as 512B, 16KiB or 1MiB")
        }
        let value = number * unit
        return range.contains(value) ? value : refused("expected \(range.lowerBound) to \(range.upperBound) bytes")
    }

    /// A file mode in octal, quoted so that YAML does not read a number: `"0660"`.
    public func fileMode() -> UInt32? {
        guard let text = scalar("a file mode such as \"0660\"") else { return nil }
        guard text.count == 4, text.hasPrefix("0"), let mode = UInt32(text, radix: 8), mode & 0o007 == 0 else {
            return refused("expected a file mode such as \"0660\", with nothing for others")
        }
        return mode
    }

    /// A list of texts, or one text alone.
    public func strings(maximum: Int) -> [String] {
        guard isPresent else { return [] }
        let nodes = isList ? elements() : [self]
        if nodes.count > maximum { problem("\(nodes.count) elements, the limit is \(maximum)") }
        return nodes.compactMap { $0.string() }
    }

    /// A path; one that does not begin with `/` is taken from the folder of the settings file.
    public func filePath() -> String? {
        guard let text = string() else { return nil }
        guard !text.hasPrefix("/") else { return text }
        let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
        return folder + text
    }

    /// Notes a problem and stands for no value.
    public func refused<T>(_ message: String) -> T? {
        problem(message)
        return nil
    }
}
