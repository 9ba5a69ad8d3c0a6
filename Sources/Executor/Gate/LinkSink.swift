internal import Authentication
internal import JobProtocol
internal import Logging
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf

/// Sends answers to one ingress, signed: what carries the socket may be no friend.
struct LinkSink: ResultSink {
    let channel: any Channel
    let keyID: String
    let key: Ed25519PrivateKey
    let credit: LinkCredit
    let logger: Logger

    func accepted(_ acceptance: WireJobAcceptance) {
        guard let envelope = sealed(acceptance, as: .jobAcceptance, job: acceptance.jobID) else { return }
        send(.with { $0.accepted = .with { $0.envelope = envelope } })
    }

    func finished(_ result: WireJobResult) {
        credit.giveBack()
        guard let envelope = sealed(result) else { return }
        send(.with { $0.finished = .with { $0.envelope = envelope } })
    }

    /// The result, signed; nil, and a line in the log, when that fails.
    func sealed(_ result: WireJobResult) -> WireSignedEnvelope? { sealed(result, as: .jobResult, job: result.jobID) }

    private func sealed(_ answer: some Message, as type: PayloadType, job: String) -> WireSignedEnvelope? {
        do {
            return try Envelope.seal(answer.serializedBytes(), as: type, keyID: keyID, key: key)
        } catch {
            logger.error("answer cannot be signed", metadata: ["job": "\(job)", "type": "\(type)", "error": "\(error)"])
            return nil
        }
    }

    /// Says how much may be submitted, and whether any of it can be taken.
    func tellCredit(journalIsAway: Bool) {
        send(
            .with {
                $0.credit = .with {
                    $0.jobsInFlight = UInt32(LinkCredit.limit)
                    $0.journalAway = journalIsAway
                }
            })
    }

    func send(_ frame: WireFrame) {
        do {
            channel.writeAndFlush(ByteBuffer(bytes: try Frames.encode(frame)), promise: nil)
        } catch {
            logger.error("frame for the ingress cannot be encoded", metadata: ["error": "\(error)"])
        }
    }
}
