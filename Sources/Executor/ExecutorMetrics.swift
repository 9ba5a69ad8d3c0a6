internal import JobProtocol
internal import ProtocolMessages
internal import Telemetry

/// What the executor counts. Labels come from the settings and the code, never from a sender.
struct ExecutorMetrics: Sendable {
    let registry = MetricsRegistry()
    let accepted: Counter
    let duplicates: Counter
    let refused: CounterFamily
    let violations: CounterFamily
    let retries: Counter
    let reloads: CounterFamily
    private let finishedJobs: CounterFamily
    private let duration: Histogram

    init() throws(MetricsError) {
        accepted = try registry.counter("sallyport_jobs_accepted_total", help: "Jobs made durable.").with()
        duplicates = try registry.counter("sallyport_jobs_duplicate_total", help: "Requests whose event had a job already.")
            .with()
        refused = try registry.counter("sallyport_jobs_refused_total", help: "Requests that became no job.", labels: ["reason"])
        violations = try registry.counter(
            "sallyport_protocol_violations_total", help: "Connections ended for what was sent.", labels: ["kind"])
        retries = try registry.counter("sallyport_jobs_retried_total", help: "Attempts after the first.").with()
        reloads = try registry.counter(
            "sallyport_reloads_total", help: "Times the settings were read again.", labels: ["outcome"])
        finishedJobs = try registry.counter(
            "sallyport_jobs_finished_total", help: "Jobs that ended.", labels: ["status", "reason"])
        duration = try registry.histogram("sallyport_job_duration_seconds", help: "From the start of a job to its end.")
    }

    /// Shows how many jobs wait for their next attempt.
    func observe(_ active: ActiveJobs) throws(MetricsError) {
        try registry.gauge("sallyport_jobs_waiting_for_retry", help: "Jobs that wait for their next attempt.") {
            Double(active.pausedCount)
        }
    }

    func finished(_ result: WireJobResult) {
        finishedJobs.with(JobNames.name(result.status), JobNames.name(result.reason)).increment()
        duration.observe(Double(result.durationMs) / 1000)
    }
}
