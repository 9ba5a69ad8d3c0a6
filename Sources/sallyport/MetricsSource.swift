import NIOCore
import NIOPosix
import ProtocolMessages
import SwiftProtobuf
import Synchronization
import Telemetry

/// Reads the executor's metrics over its admin socket: one read at a time, however many ask, and one for all that ask meanwhile.
final class MetricsSource: Sendable {
    /// Seconds that the executor may leave one step of a read without an answer.
    static let patience = 5
    /// Bytes of an answer; one that is longer is given up.
    static let maximumBytes = 8 * 1024 * 1024

    private let path: String
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let eventLoop: any EventLoop
    /// Reads that have not ended, at most one a format.
    private let reads = Mutex<[MetricsFormat: EventLoopFuture<String>]>([:])

    init(_ path: String, on eventLoop: any EventLoop) {
        self.path = path
        self.eventLoop = eventLoop
        pool.start()
    }

    /// What the executor says now, never what it said before.
    func text(_ format: MetricsFormat) -> EventLoopFuture<String> {
        let path = path
        return reads.withLock { reads in
            if let read = reads[format] { return read }
            let read = pool.runIfActive(eventLoop: eventLoop) { try Self.read(path, format) }
            reads[format] = read
            read.whenComplete { _ in self.reads.withLock { $0[format] = nil } }
            return read
        }
    }

    /// One read; blocks.
    ///
    /// - Throws: ``CommandFailure`` when the socket or the executor is at fault.
    static func read(_ path: String, _ format: MetricsFormat) throws -> String {
        var text = ""
        var isTooLong = false
        let request = WireAdminRequest.with { $0.getMetrics.openMetrics = format == .openMetrics }
        try AdminClient(path: path, patience: patience).ask(request) { part in
            guard case .metrics(let part) = part, !isTooLong else { return }
            text += part.text
            isTooLong = text.utf8.count > maximumBytes
        }
        guard !isTooLong else {
            throw CommandFailure("the executor's metrics have more than \(maximumBytes) bytes", code: .failed)
        }
        guard !text.isEmpty else {
            throw CommandFailure("the executor does not know `metrics`; it is of an older version", code: .unavailable)
        }
        return text
    }
}
