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
    /// By what became of them.
    let spans: CounterFamily
    let traceFilesBegun: Counter
    /// Of one commit of the journal.
    let commitDuration: Histogram
    private let finishedJobs: CounterFamily
    private let duration: HistogramFamily
    private let attempts: CounterFamily
    private let wait: HistogramFamily
    private let commands: CounterFamily
    private let commandDuration: HistogramFamily
    private let signatures: CounterFamily

    init() throws(MetricsError) {
        accepted = try registry.counter("sallyport_jobs_accepted_total", help: "Jobs made durable.").with()
        duplicates = try registry.counter("sallyport_jobs_duplicate_total", help: "Requests whose event had a job already.")
            .with()
        refused = try registry.counter("sallyport_jobs_refused_total", help: "Requests that became no job.", labels: ["reason"])
        violations = try registry.counter(
            "sallyport_protocol_violations_total", help: "Connections ended for what was sent.", labels: ["kind"])
        retries = try registry.counter("sallyport_jobs_retried_total", help: "Attempts that were put off until later.").with()
        reloads = try registry.counter(
            "sallyport_settings_reloads_total", help: "Reloads of the settings that were asked for.", labels: ["outcome"])
        spans = try registry.counter(
            "sallyport_trace_spans_total", help: "Spans of traces that are recorded, by what became of them.", labels: ["outcome"]
        )
        traceFilesBegun = try registry.counter(
            "sallyport_trace_file_restarts_total", help: "Times that the file of spans was full, and was emptied."
        ).with()
        finishedJobs = try registry.counter(
            "sallyport_jobs_finished_total", help: "Jobs that ended.", labels: ["job_name", "status", "reason"])
        duration = try registry.histograms(
            "sallyport_job_duration_seconds", help: "From a job's acceptance to its end.", labels: ["job_name"],
            bounds: Histogram.commandSeconds)
        attempts = try registry.counter("sallyport_job_attempts_total", help: "Attempts that began.", labels: ["job_name"])
        wait = try registry.histograms(
            "sallyport_job_wait_seconds", help: "From a job's acceptance to its first attempt.", labels: ["job_name"],
            bounds: Histogram.commandSeconds)
        commands = try registry.counter(
            "sallyport_commands_total", help: "Commands that ended, or could not be begun.", labels: ["host", "status", "reason"])
        commandDuration = try registry.histograms(
            "sallyport_command_duration_seconds", help: "How long commands ran on their host.", labels: ["host"],
            bounds: Histogram.commandSeconds)
        signatures = try registry.counter(
            "sallyport_ssh_signatures_total", help: "Signatures that SSH workers asked for, one for each login.",
            labels: ["host", "outcome"])
        commitDuration = try registry.histogram(
            "sallyport_journal_commit_duration_seconds",
            help: "Until what waited for the journal was on the disk, or was not taken.",
            bounds: Histogram.diskSeconds)
    }

    /// An attempt begins.
    ///
    /// - Parameter waited: milliseconds since the job was accepted, of its first one; nil of others.
    func began(_ job: String, waited: Int64?) {
        attempts.with(job).increment()
        if let waited { wait.with(job).observe(Double(max(0, waited)) / 1000) }
    }

    /// - Parameter ran: false for a command that could not be begun.
    func ended(_ result: WireDestinationResult, ran: Bool) {
        commands.with(result.destination, JobNames.name(result.status), JobNames.name(result.reason)).increment()
        if ran { commandDuration.with(result.destination).observe(Double(result.durationMs) / 1000) }
    }

    /// An SSH worker asked for a signature to log in to `host`.
    func asked(_ host: String, isSigned: Bool) { signatures.with(host, isSigned ? "signed" : "refused").increment() }

    func finished(_ job: String, _ result: WireJobResult) {
        finishedJobs.with(job, JobNames.name(result.status), JobNames.name(result.reason)).increment()
        duration.with(job).observe(Double(result.durationMs) / 1000)
    }
}
