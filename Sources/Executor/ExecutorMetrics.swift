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

    /// Shows what the parts of the executor are at. What the journal alone knows is left to `sallyport status`: a look at metrics reads
    /// no disk.
    func observe(_ report: StatusReport) throws(MetricsError) {
        let (jobs, workers, dialers) = (report.jobs, report.workers, report.dialers)
        try registry.gauge("sallyport_jobs_waiting_for_retry", help: "Jobs that wait for their next attempt.") {
            Double(jobs.active.pausedCount)
        }
        try registry.gauge("sallyport_jobs_running", help: "Jobs that run or are about to.") {
            Double(jobs.active.counts.running)
        }
        try registry.gauge("sallyport_jobs_in_line", help: "Jobs that wait for a place of their job, lane or hosts.") {
            Double(jobs.active.counts.waiting)
        }
        try registry.gauge("sallyport_ssh_workers", help: "SSH workers that are connected.") { Double(workers.count) }
        try registry.gauge("sallyport_ssh_workers_expected", help: "SSH workers that the settings ask for.") {
            Double(report.workersExpected)
        }
        try registry.gauge("sallyport_ssh_leases", help: "Commands that SSH workers were given and that have not ended.") {
            Double(workers.leaseCount)
        }
        try registry.gauges("sallyport_ingress_connected", help: "1 while an ingress is connected.", labels: ["ingress"]) {
            dialers.map { ([$0.status.name], $0.isConnected ? 1 : 0) }
        }
        try registry.gauges(
            "sallyport_host_failing", help: "1 while the last command for a host could not be begun there.", labels: ["host"]
        ) {
            let known = jobs.rules.now.hosts.targets
            return workers.hosts.all.filter { known[$0.key] != nil }.map { ([$0.key], $0.value.reason == .unspecified ? 0 : 1) }
        }
        try registry.gauge("sallyport_journal_failing", help: "1 while the journal cannot be written.") {
            jobs.journal.isFailing ? 1 : 0
        }
        try registry.gauge("sallyport_start_time_seconds", help: "When the executor started, in Unix seconds.") {
            Double(report.startedAt) / 1000
        }
    }

    func finished(_ result: WireJobResult) {
        finishedJobs.with(JobNames.name(result.status), JobNames.name(result.reason)).increment()
        duration.observe(Double(result.durationMs) / 1000)
    }
}
