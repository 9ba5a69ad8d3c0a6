internal import CSSH2
internal import ProtocolMessages

/// Why a connection or a command on it did not come about, with the host and the step in its text.
struct SSHFailure: Error {
    let reason: WireReason
    let message: String
    /// The host, of the lease or of its way, that could not be connected or logged in to; empty when it was no host's failure.
    let failedHost: String
    /// A name was not found.
    let isLookup: Bool

    init(_ reason: WireReason, _ message: String, failedHost: String = "", isLookup: Bool = false) {
        self.reason = reason
        self.message = message
        self.failedHost = failedHost
        self.isLookup = isLookup
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
