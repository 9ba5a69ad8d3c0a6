internal import Audit
internal import Authentication
internal import JobProtocol
internal import Logging
internal import ProtocolMessages
internal import SwiftProtobuf

/// Answers a worker's request for a signature: checked, written to the journal, then signed; once per lease.
struct LeaseSigning: Sendable {
    let signer: Signer
    let agents: AgentClient
    let journal: any Journal
    let metrics: ExecutorMetrics
    let logger: Logger

    /// Never throws: a refusal is an answer too.
    func answer(_ request: WireSignRequest, for lease: PendingLease) async -> WireSignResponse {
        let (job, destination) = (lease.job, lease.destination)
        do {
            let permit = try signer.permit(lease: request.leaseID, blob: [UInt8](request.blob), now: WallClock.now())
            let digest = Hex.encode(SHA256.hash(permit.sessionID))
            let session = digest.prefix(16)
            // No record, no signature.
            try await journal.note(
                job, "signed for user \(permit.user) with \(permit.identity.fingerprint), session \(session)",
                destination: destination,
                .signature(
                    job, lease: request.leaseID, destination: destination, identity: lease.identity, permit, session: digest,
                    at: WallClock.now()))
            let signature: [UInt8]
            if let agent = permit.identity.agent {
                signature = try await agents.sign(permit.blob, with: permit.identity.publicKey, at: agent)
            } else {
                signature = try signer.sign(permit)
            }
            metrics.asked(destination, isSigned: true)
            logger.info(
                "signed",
                metadata: [
                    "job": "\(job)", "destination": "\(destination)", "user": "\(permit.user)",
                    "key": "\(permit.identity.fingerprint)",
                    "session": "\(session)",
                ])
            return .with {
                $0.leaseID = request.leaseID; $0.signature = .init(signature)
            }
        } catch {
            metrics.asked(destination, isSigned: false)
            logger.error("signature refused", metadata: ["job": "\(job)", "destination": "\(destination)", "error": "\(error)"])
            return .with {
                $0.leaseID = request.leaseID; $0.refusal = "\(error)"
            }
        }
    }
}
