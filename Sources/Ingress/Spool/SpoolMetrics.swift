internal import JobProtocol
internal import Telemetry

/// What the spool counts.
struct SpoolMetrics: Sendable {
    let handedOver: Counter
    let refused: CounterFamily
    let damaged: Counter

    init(_ registry: MetricsRegistry) throws(MetricsError) {
        handedOver = try registry.counter(
            "sallyport_spool_handed_over_total", help: "Spooled deliveries that the executor has made durable."
        ).with()
        refused = try registry.counter(
            "sallyport_spool_refused_total", help: "Spooled deliveries that will not run and were set aside.", labels: ["reason"])
        damaged = try registry.counter("sallyport_spool_damaged_total", help: "Records that were damaged and set aside.").with()
    }

    /// What is looked at when somebody asks.
    static func gauges(_ registry: MetricsRegistry, _ spool: Spool) throws(MetricsError) {
        try registry.gauge("sallyport_spool_bytes", help: "Bytes of the spool's segments on disk.") { Double(spool.bytes) }
        try registry.gauge("sallyport_spool_limit_bytes", help: "Bytes the spool's segments may have.") {
            Double(spool.settings.maximumBytes)
        }
        try registry.gauge("sallyport_spool_deliveries", help: "Deliveries in the spool.") { Double(spool.count) }
        try registry.gauge("sallyport_spool_oldest_seconds", help: "Age of the oldest delivery in the spool; 0 when it is empty.")
        {
            spool.oldest.map { Double(max(0, WallClock.now() - $0)) / 1000 } ?? 0
        }
    }
}
