internal import Authentication
internal import JobProtocol
internal import Logging
internal import ProtocolMessages
internal import SwiftProtobuf

/// Answers a worker's request for a signature: checked, written to the journal, then signed; once per lease.
struct LeaseSigning: Sendable {
    let signer: Signer
    let journal: any Journal
    let logger: Logger

    /// Never throws: a refusal is an answer too.
    func answer(_ request: WireSignRequest, job: String, destination: String) async -> WireSignResponse {
        do {
            let permit = try signer.permit(lease: request.leaseID, blob: [UInt8](request.blob), now: WallClock.now())
            let session = Hex.encode(Array(SHA256.hash(permit.sessionID).prefix(8)))
            // No record, no signature.
            try await journal.note(
                job, "signed for user \(permit.user) with \(permit.identity.fingerprint), session \(session)",
                destination: destination)
            let signature = try signer.sign(permit)
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
            logger.error("signature refused", metadata: ["job": "\(job)", "destination": "\(destination)", "error": "\(error)"])
            return .with {
                $0.leaseID = request.leaseID; $0.refusal = "\(error)"
            }
        }
    }
}
