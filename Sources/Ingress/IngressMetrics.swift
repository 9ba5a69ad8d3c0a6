internal import JobProtocol
internal import Synchronization
internal import Telemetry

/// What the ingress counts. Labels come from the settings and the code, never from a sender.
struct IngressMetrics: Sendable {
    let registry = MetricsRegistry()
    let deliveries: CounterFamily
    let verificationFailures: CounterFamily
    let duplicates: CounterFamily
    let duration: HistogramFamily
    let violations: CounterFamily
    let tokenLookups: CounterFamily
    let refusedConnections: CounterFamily
    let closedConnections: CounterFamily
    let refusedRequests: CounterFamily
    /// Lines about refusals that were left out of the log.
    let suppressedLines: CounterFamily
    private let reloads: CounterFamily
    private let isReloadTaken = Flag()
    let handshakes: CounterFamily
    /// Questions about jobs.
    let questions: CounterFamily
    /// Bytes of output that readers of streams miss.
    let droppedOutput: Counter

    init() throws(MetricsError) {
        deliveries = try registry.counter(
            "sallyport_deliveries_total", help: "Requests to hooks, by what became of them.", labels: ["hook", "outcome"])
        verificationFailures = try registry.counter(
            "sallyport_verification_failures_total",
            help: "Deliveries that are not proved to be their sender's, by what did not hold.",
            labels: ["hook", "check", "reason"])
        duplicates = try registry.counter(
            "sallyport_deliveries_duplicate_total", help: "Deliveries of an event that had a job already.", labels: ["hook"])
        duration = try registry.histograms(
            "sallyport_delivery_duration_seconds",
            help: "From a whole and verified request to its answer, or to the beginning of its stream.", labels: ["hook"])
        violations = try registry.counter(
            "sallyport_protocol_violations_total", help: "Executor connections ended for what was sent.", labels: ["kind"])
        tokenLookups = try registry.counter(
            "sallyport_token_lookups_total", help: "Tokens looked up among those verified before, by whether they were there.",
            labels: ["result"])
        refusedConnections = try registry.counter(
            "sallyport_http_connections_refused_total", help: "Connections not taken, by the limit they met.",
            labels: ["listener", "limit"])
        closedConnections = try registry.counter(
            "sallyport_http_connections_closed_for_room_total",
            help: "Connections closed while they were idle, for all places were taken and another one came.", labels: ["listener"]
        )
        refusedRequests = try registry.counter(
            "sallyport_http_requests_refused_total",
            help: "Requests that came too slowly, with too large a head, or without one Host.", labels: ["limit"])
        suppressedLines = try registry.counter(
            "sallyport_log_lines_suppressed_total", help: "Lines about refusals that were left out of the log.",
            labels: ["outcome"])
        reloads = try registry.counter(
            "sallyport_settings_reloads_total", help: "Reloads of the settings that were asked for.", labels: ["outcome"])
        handshakes = try registry.counter(
            "sallyport_tls_handshakes_total", help: "TLS handshakes of senders.", labels: ["outcome"])
        questions = try registry.counter(
            "sallyport_job_requests_total", help: "Requests about jobs, by what became of them.", labels: ["outcome"])
        droppedOutput = try registry.counter(
            "sallyport_stream_dropped_bytes_total", help: "Bytes of output that were too much for a stream's reader."
        ).with()
    }
    /// What became of settings that were read again.
    func reloaded(_ isTaken: Bool) {
        reloads.with(isTaken ? "done" : "refused").increment()
        isReloadTaken.value.store(isTaken, ordering: .relaxed)
    }

    /// What is true of the process as a whole.
    func process(landlock: Int) throws(MetricsError) {
        let (startedAt, isReloadTaken) = (Double(WallClock.now()) / 1000, isReloadTaken)
        try registry.gauges("sallyport_build_info", help: "1; the version is in the label.", labels: ["version"]) {
            [([IngressProcess.version], 1)]
        }
        try registry.gauge("sallyport_start_time_seconds", help: "When the ingress started, in Unix seconds.") { startedAt }
        try registry.gauge(
            "sallyport_sandbox_landlock_abi",
            help: "Version of Landlock that keeps files and ports closed, 0 for none; system calls are always filtered."
        ) { Double(landlock) }
        try registry.gauge(
            "sallyport_log_lines_dropped", help: "Lines of the log since the start that were lost because nobody read them."
        ) { Double(LineLogHandler.dropped) }
        try registry.gauge(
            "sallyport_settings_reload_taken", help: "0 after a reload whose settings were refused: those before it are in use."
        ) { isReloadTaken.value.load(ordering: .relaxed) ? 1 : 0 }
    }

    private final class Flag: Sendable {
        let value = Atomic(true)
    }
}
