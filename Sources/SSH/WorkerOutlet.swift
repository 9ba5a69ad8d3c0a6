internal import ProtocolMessages
internal import SwiftProtobuf

/// What a connection tells the executor, and what it asks of it.
protocol WorkerOutlet: AnyObject {
    /// Says how far a lease is; where that ends in all that is said.
    @discardableResult func stage(_ leaseID: UInt64, _ stage: WireStage, _ processGroup: UInt32) -> UInt64
    /// What was said up to there has been handed to the kernel; tries to.
    func isHandedOver(_ end: UInt64) -> Bool
    func output(_ leaseID: UInt64, _ stream: WireStream, _ bytes: ArraySlice<UInt8>)
    func finished(_ finished: WireLeaseFinished)
    /// Asks for the signature that `connection` needs; the answer goes to it.
    func askSignature(_ leaseID: UInt64, _ blob: [UInt8], for connection: Connection)
    /// The files that the resolver reads were replaced: no name may be looked up here any more.
    var namesAreStale: Bool { get }
    /// Fewer connections to the same sshd are being made than may be at once.
    func mayConnect(_ connection: Connection) -> Bool
    /// Finds a connection for a tunnel.
    func open(_ tunnel: Tunnel)
    /// Something has changed that another connection waits for: go round once more.
    func wake()
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

    /// The same, for what a connection came to.
    static func notStarted(_ lease: WireLease, _ failure: SSHFailure) -> WireLeaseFinished {
        var finished = notStarted(lease, failure.reason, failure.message)
        finished.failedHost = failure.failedHost
        return finished
    }

    /// The end of a lease that nothing was tried for, and that another worker shall have.
    static func givenBack(_ lease: WireLease) -> WireLeaseFinished {
        var finished = notStarted(
            lease, .busy, "the files that name servers stand in were replaced; no new worker was there in time")
        finished.givenBack = true
        return finished
    }

    /// The end of a lease that was cancelled before its command was sent.
    static func cancelledInTime(_ lease: WireLease) -> WireLeaseFinished {
        .notStarted(lease, .cancelled, "cancelled before the command was sent to \(lease.host)")
    }
}
