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
}
