/// How events are written.
public enum LogForm: Sendable {
    /// For programs: an object a line.
    case json
    /// For people at a terminal: time, level, message, values; with colour or without.
    case text(isColoured: Bool)

    /// What suits a descriptor: text on a terminal, and JSON everywhere else.
    public static func suiting(_ descriptor: Int32) -> LogForm {
        Terminal.isOne(descriptor) ? .text(isColoured: Terminal.hasColour(descriptor)) : .json
    }
}
