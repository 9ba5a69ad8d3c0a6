internal import CSSH2
internal import ProtocolMessages

/// Why a connection or a command on it did not come about, with the host and the step in its text.
struct SSHFailure: Error {
    let reason: WireReason
    let message: String

    init(_ reason: WireReason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    /// A host's words for a message: one line, at most 200 characters, nothing that a terminal acts on.
    static func printable(_ text: String) -> String {
        let line = text.unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: Character(" ")
            default: Character(scalar)
            }
        }
        return String(line.prefix(200)).split(separator: " ").joined(separator: " ")
    }
}
