internal import Authentication
internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

/// A result as a journal writes it.
struct ResultRecord: Sendable {
    /// As ``ResultBlob`` packs it.
    let stored: [UInt8]
    /// SHA-256 of what is in that.
    let digest: [UInt8]

    /// - Throws: ``JournalError`` of that step and journal when the result cannot be written.
    init(_ result: WireJobResult, _ step: String, _ place: String) throws(JournalError) {
        let bytes: [UInt8]
        do {
            bytes = try result.serializedBytes()
        } catch {
            throw JournalError(step: step, place: place, underlying: "\(error)")
        }
        stored = ResultBlob.pack(bytes)
        digest = SHA256.hash(bytes)
    }
}

/// What stands in a job's history, whatever journal it is in.
enum HistoryText {
    static func state(_ status: WireJobStatus) -> String { JobNames.name(status) }

    /// - Parameters:
    ///   - attempt: the next.
    ///   - wait: milliseconds.
    static func postponed(attempt: UInt32, _ reason: WireReason, wait: Int64) -> String {
        "attempt \(attempt - 1): \(JobNames.name(reason)); the next in \(max(0, wait)) ms"
    }

    static func adopted(by executor: String) -> String { "taken over by \(executor)" }
    static func discarded(by operatorName: String) -> String { "discarded by \(operatorName)" }
    static func cancelAsked(by operatorName: String) -> String { "cancel asked for by \(operatorName)" }
    static func askedFor(by operatorName: String) -> String { "asked for by \(operatorName)" }
    static func replayed(as jobID: String, by operatorName: String) -> String { "replayed as \(jobID) by \(operatorName)" }
    static func replay(of origin: String, by operatorName: String) -> String { "replay of \(origin) by \(operatorName)" }
}
