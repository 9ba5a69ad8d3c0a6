internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf

/// A lease that a worker holds, as the executor sees it.
struct PendingLease: Sendable {
    let job: String
    var destination: String
    /// The name of the SSH key it may log in with.
    var identity: String
    /// The jump hosts, by the id under which each one's signature is asked for.
    var hops: [UInt64: WireHop] = [:]
    let continuation: CheckedContinuation<WireLeaseFinished, Never>
    let onOutput: @Sendable (WireStream, [UInt8]) -> Void
    let onStage: @Sendable (WireStage, UInt32) -> Void
    var stage = WireStage.unspecified
    /// The worker was asked to end it.
    var isCancelled = false
    /// When it came to that stage.
    var since = ContinuousClock.now
    /// Looks whether the worker is stuck.
    var reminder: Scheduled<Void>?

    /// The lease as it is for a jump host: who is logged in to, and with which key.
    func hop(_ grantID: UInt64) -> PendingLease? {
        guard let hop = hops[grantID] else { return nil }
        var lease = self
        (lease.destination, lease.identity) = (hop.host, hop.identity)
        return lease
    }

    /// What becomes of the lease when its worker is gone: before the command was about to be sent it certainly did not start.
    func abandoned(_ leaseID: UInt64) -> WireLeaseFinished {
        .with {
            $0.leaseID = leaseID
            switch stage {
            case .starting, .started:
                $0.outcome = .unknown
                $0.reason = .outcomeUnknown
                $0.error = "the SSH worker ended while the command may have been running on \(destination)"
            case .unspecified, .connected, .UNRECOGNIZED:
                $0.outcome = .notStarted
                $0.reason = .unreachable
                $0.error = "the SSH worker ended before the command was sent to \(destination)"
            }
        }
    }
}
