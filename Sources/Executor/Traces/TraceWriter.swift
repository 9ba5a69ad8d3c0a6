internal import Dispatch
internal import Synchronization
internal import Telemetry

/// Takes spans from whoever has one, and writes them on a thread of its own, several to a line.
final class TraceWriter: Sendable {
    /// Spans that may wait; one more is dropped.
    static let maximumWaiting = 4096
    /// Spans of one line: with the longest names far less than the 1 MiB that a collector reads as one.
    static let maximumBatch = 128
    /// How long a span waits for others to go with.
    static let leisure = DispatchTimeInterval.milliseconds(200)

    private struct Waiting {
        var spans: [Span] = []
        /// A write is on its way that will take them.
        var isPlanned = false
    }

    private let waiting = Mutex(Waiting())
    private let thread = DispatchQueue(label: "sallyport.traces")
    private let file: TraceFile
    private let metrics: ExecutorMetrics
    private let leisure: DispatchTimeInterval
    private let export = TraceExport(service: "sallyport-executor", version: ExecutorProcess.version)

    init(_ file: TraceFile, metrics: ExecutorMetrics, leisure: DispatchTimeInterval = leisure) {
        self.leisure = leisure
        self.file = file
        self.metrics = metrics
    }

    /// Returns at once.
    func add(_ span: Span) {
        let (isTaken, isFirst) = waiting.withLock { waiting in
            guard waiting.spans.count < Self.maximumWaiting else { return (false, false) }
            waiting.spans.append(span)
            defer { waiting.isPlanned = true }
            return (true, !waiting.isPlanned)
        }
        if !isTaken { metrics.spans.with("dropped").increment() }
        if isFirst { thread.asyncAfter(deadline: .now() + leisure) { self.write() } }
    }

    /// Returns when all that waited is in the file.
    func flush() async {
        await withCheckedContinuation { done in
            thread.async {
                self.write()
                done.resume()
            }
        }
    }

    private func write() {
        var spans = waiting.withLock { waiting in
            defer { waiting = Waiting() }
            return waiting.spans[...]
        }
        while !spans.isEmpty {
            let batch = Array(spans.prefix(Self.maximumBatch))
            spans = spans.dropFirst(batch.count)
            let outcome = file.append(export.document(batch) + [0x0a])
            metrics.spans.with(outcome == .lost ? "lost" : "written").increment(by: batch.count)
            if outcome == .writtenAnew { metrics.traceFilesBegun.increment() }
        }
    }
}
