internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

/// What executors say under their signature; all else of theirs is what whoever carries the job socket makes of it.
extension TrustedKeys {
    /// - Throws: ``ProtocolError`` when it is something else, or no trusted key has signed it.
    func acceptance(in envelope: WireSignedEnvelope) throws(ProtocolError) -> WireJobAcceptance {
        try open(envelope, as: .jobAcceptance)
    }

    /// - Throws: as the other.
    func result(in envelope: WireSignedEnvelope) throws(ProtocolError) -> WireJobResult { try open(envelope, as: .jobResult) }

    private func open<Answer: Message>(_ envelope: WireSignedEnvelope, as type: PayloadType) throws(ProtocolError) -> Answer {
        let payload = try Envelope.open(envelope, expecting: type, trusting: self)
        do {
            return try Answer(serializedBytes: payload)
        } catch {
            throw .violation("\(type) cannot be read: \(error)")
        }
    }
}
