public import ProtocolMessages
internal import SwiftProtobuf

/// When a connection of the job socket says that it is alive, and when it is given up: what lies between the gates, such as an SSH
/// connection, may stop carrying bytes and never say so.
///
/// Each side pings at every beat, whatever it hears: a long queue in one direction is then no silence in the other.
public struct LinkPulse: Sendable {
    /// Time between two beats.
    public static let interval = Duration.seconds(5)

    /// The beat at which a connection ends whose peer has said nothing, or has not proved itself: after 10 to 15 seconds.
    public static let patience = 3

    /// What the owner has to do at a beat.
    public enum Beat: Sendable {
        case wait
        case send(WireFrame)
        /// Close the connection, for this reason.
        case end(String)
    }

    private var isOpen = false
    /// Beats since the peer was heard, or since the connection was made.
    private var silent = 0
    private var sequence: UInt64 = 0

    /// A new connection.
    public init() {}

    /// Bytes came. Before the handshake is done they count for nothing.
    public mutating func heard() { if isOpen { silent = 0 } }

    /// The handshake is done; pings are permitted from here on.
    public mutating func opened() {
        isOpen = true
        silent = 0
    }

    /// Called every ``interval``.
    public mutating func beat() -> Beat {
        silent += 1
        guard silent < Self.patience else {
            return .end(
                isOpen ? "the peer has said nothing for 10 seconds or more" : "the peer has not proved itself within 15 seconds")
        }
        guard isOpen else { return .wait }
        sequence += 1
        let number = sequence
        return .send(.with { $0.ping = .with { $0.sequence = number } })
    }
}
