internal import Glibc

/// How events are written.
public enum LogForm: Sendable {
    /// For programs: an object a line.
    case json
    /// For people at a terminal: time, level, message, values; with colour or without.
    case text(isColoured: Bool)

    /// What suits a descriptor: text on a terminal, without colour where NO_COLOR (https://no-color.org) or a dumb terminal says so, and
    /// JSON everywhere else.
    public static func suiting(_ descriptor: Int32) -> LogForm {
        guard isatty(descriptor) == 1 else { return .json }
        return .text(isColoured: variable("NO_COLOR").isEmpty && !["", "dumb"].contains(variable("TERM")))
    }

    private static func variable(_ name: String) -> String { unsafe getenv(name).map { unsafe String(cString: $0) } ?? "" }
}
