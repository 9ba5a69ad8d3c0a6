internal import JobProtocol
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Synchronization

/// The watches of one connection to an ingress, and the way their frames go.
final class LinkWatches: WatchSink {
    private let sink: LinkSink
    private let open = Mutex<[UInt64: Watcher]>([:])

    init(sink: LinkSink) { self.sink = sink }

    /// - Throws: ``ProtocolError`` for one too many, a number in use or too much credit.
    func begin(_ watch: WireWatch) throws(ProtocolError) -> Watcher {
        guard watch.watch > 0, watch.credit <= WatchLimits.window, watch.jobID.utf8.count <= JobLimits.name else {
            throw .violation("watch without a number, with a job id of \(watch.jobID.utf8.count) or credit of \(watch.credit)")
        }
        let watcher = Watcher(watch, sink: self)
        try open.withLock { open throws(ProtocolError) in
            guard open.count < WatchLimits.watches else { throw .violation("more than \(WatchLimits.watches) watches") }
            guard open.updateValue(watcher, forKey: watch.watch) == nil else { throw .violation("watch number used twice") }
        }
        return watcher
    }

    /// The watch that may be sent more; nil when it has ended meanwhile.
    ///
    /// - Throws: ``ProtocolError`` for more credit than a window.
    func credited(_ credit: WireWatchCredit) throws(ProtocolError) -> Watcher? {
        guard credit.credit <= WatchLimits.window else {
            throw .violation("credit of \(credit.credit), the limit is \(WatchLimits.window)")
        }
        return open.withLock { $0[credit.watch] }
    }

    /// Ends a watch; nil when it has ended meanwhile.
    func remove(_ number: UInt64) -> Watcher? { open.withLock { $0.removeValue(forKey: number) } }

    /// The connection is gone.
    func removeAll() -> [Watcher] {
        open.withLock { open in
            defer { open.removeAll() }
            return Array(open.values)
        }
    }

    func isOpen(_ number: UInt64) -> Bool { open.withLock { $0[number] != nil } }

    var hasRoom: Bool { sink.channel.isWritable }

    func send(_ frame: WireFrame) {
        // Never within the call: the channel may have more to say about its own end than the caller's lock can bear.
        let sink = sink
        sink.channel.eventLoop.execute { sink.send(frame) }
    }

    func end(_ end: WireWatchEnd, result: WireJobResult?) {
        _ = remove(end.watch)
        let sink = sink
        sink.channel.eventLoop.execute {
            var end = end
            if let result {
                if let envelope = sink.sealed(result) { end.envelope = envelope } else { end.outcome = .unavailable }
            }
            sink.send(.with { $0.watchEnd = end })
        }
    }
}
