internal import Authentication
internal import JobProtocol
internal import Logging
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf

/// Sends answers to one ingress, results signed.
struct LinkSink: ResultSink {
    let channel: any Channel
    let keyID: String
    let key: Ed25519PrivateKey
    let credit: LinkCredit
    let logger: Logger

    func accepted(_ jobID: String, original: String) {
        send(
            .with {
                $0.accepted = .with {
                    $0.jobID = jobID; $0.originalJobID = original
                }
            })
    }

    func finished(_ result: WireJobResult) {
        credit.giveBack()
        guard let envelope = sealed(result) else { return }
        send(.with { $0.finished = .with { $0.envelope = envelope } })
    }

    /// The result, signed; nil, and a line in the log, when that fails.
    func sealed(_ result: WireJobResult) -> WireSignedEnvelope? {
        do {
            return try Envelope.seal(result.serializedBytes(), as: .jobResult, keyID: keyID, key: key)
        } catch {
            logger.error("result cannot be signed", metadata: ["job": "\(result.jobID)", "error": "\(error)"])
            return nil
        }
    }

    func send(_ frame: WireFrame) {
        do {
            channel.writeAndFlush(ByteBuffer(bytes: try Frames.encode(frame)), promise: nil)
        } catch {
            logger.error("frame for the ingress cannot be encoded", metadata: ["error": "\(error)"])
        }
    }
}
