internal import ProtocolMessages
internal import SwiftProtobuf

/// What a connection tells the executor, and what it asks of it.
protocol WorkerOutlet: AnyObject {
    /// Everything that was said has been handed to the kernel; tries to.
    var isFlushed: Bool { get }
    func stage(_ leaseID: UInt64, _ stage: WireStage, _ processGroup: UInt32)
    func output(_ leaseID: UInt64, _ stream: WireStream, _ bytes: ArraySlice<UInt8>)
    func finished(_ finished: WireLeaseFinished)
    /// Asks for the signature that `connection` needs; the answer goes to it.
    func askSignature(_ leaseID: UInt64, _ blob: [UInt8], for connection: Connection)
    /// The connection died before the command was sent: find another one for it.
    func again(_ lease: WaitingLease)
}

extension WireLeaseFinished {
    /// The end of a lease whose command certainly did not run.
    static func notStarted(_ lease: WireLease, _ reason: WireReason, _ error: String) -> WireLeaseFinished {
        .with {
            $0.leaseID = lease.leaseID
            $0.outcome = .notStarted
            $0.reason = reason
            $0.error = error
        }
    }

    /// The end of a lease that was cancelled before its command was sent.
    static func cancelledInTime(_ lease: WireLease) -> WireLeaseFinished {
        .notStarted(lease, .cancelled, "cancelled before the command was sent to \(lease.host)")
    }
}
