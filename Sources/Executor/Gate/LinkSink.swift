internal import Authentication
internal import JobProtocol
internal import Logging
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf

/// Sends answers to one ingress: results signed, output as long as the ingress keeps up.
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

    func output(_ jobID: String, destination: String, stream: WireStream, data: [UInt8]) {
        // Output is a courtesy while the command runs; the result carries what counts.
        guard channel.isWritable else { return }
        let output = WireOutput.with {
            $0.jobID = jobID
            $0.destination = destination
            $0.stream = stream
            $0.data = .init(data)
        }
        send(.with { $0.output = output })
    }

    func finished(_ result: WireJobResult) {
        credit.giveBack()
        do {
            let envelope = try Envelope.seal(result.serializedBytes(), as: .jobResult, keyID: keyID, key: key)
            send(.with { $0.finished = .with { $0.envelope = envelope } })
        } catch {
            logger.error("result cannot be signed", metadata: ["job": "\(result.jobID)", "error": "\(error)"])
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
