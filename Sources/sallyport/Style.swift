import Glibc
import Telemetry

/// Colour for people, where ``Terminal`` has it. It never carries what the text does not say.
enum Style {
    private static let isOn = Terminal.hasColour(STDOUT_FILENO)

    static func good(_ text: String) -> String { painted(text, "32") }
    static func bad(_ text: String) -> String { painted(text, "31") }

    /// A state of a job, as `JobNames` has it, perhaps with more behind it.
    static func state(_ text: String) -> String {
        if text.hasPrefix("succeeded") { return good(text) }
        return ["failed", "timed-out", "refused", "dead", "unknown"].contains { text.hasPrefix($0) } ? bad(text) : text
    }

    private static func painted(_ text: String, _ color: String) -> String {
        isOn && !text.isEmpty ? "\u{1b}[\(color)m\(text)\u{1b}[0m" : text
    }
}
