internal import JobProtocol
internal import ProtocolMessages
internal import Telemetry

/// What the parts of the executor are at, asked for when somebody looks. A look reads no disk: what the journal alone knows is of ``JournalWatch``.
extension ExecutorMetrics {
    func observe(_ report: StatusReport, _ watch: JournalWatch) throws(MetricsError) {
        try observeJobs(report.jobs)
        try observeWorkers(report)
        try observeHosts(report)
        try observeJournal(report.jobs.journal, watch)
        try observeProcess(report)
    }

    private func observeJobs(_ jobs: JobService) throws(MetricsError) {
        try registry.gauge("sallyport_jobs_waiting_for_retry", help: "Jobs that wait for their next attempt.") {
            Double(jobs.active.pausedCount)
        }
        try registry.gauge("sallyport_jobs_waiting_for_retry_limit", help: "As many may; one more becomes a dead letter.") {
            Double(ActiveJobs.maximumPaused)
        }
        try registry.gauge("sallyport_jobs_running", help: "Jobs that run or are about to.") {
            Double(jobs.active.counts.running)
        }
        try registry.gauge("sallyport_jobs_in_line", help: "Jobs that wait for a place of their job, lane or hosts.") {
            Double(jobs.active.counts.waiting)
        }
        try registry.gauge("sallyport_jobs_in_line_limit", help: "As many may; one more is refused as busy.") {
            Double(Slots.maximumWaiting)
        }
        try registry.gauge(
            "sallyport_jobs_in_line_oldest_seconds",
            help: "How long the job that has been in line for longest is there; 0 for none."
        ) { jobs.active.longestInLine.map { Double($0.milliseconds) / 1000 } ?? 0 }
    }

    private func observeWorkers(_ report: StatusReport) throws(MetricsError) {
        let workers = report.workers
        try registry.gauge("sallyport_ssh_workers", help: "SSH workers that are connected.") { Double(workers.count) }
        try registry.gauge("sallyport_ssh_workers_expected", help: "SSH workers that the settings ask for.") {
            Double(report.workersExpected)
        }
        try registry.observedCounter(
            "sallyport_ssh_workers_ended_total", help: "SSH workers that ended; others took their place."
        ) {
            workers.lost
        }
        try registry.gauge("sallyport_ssh_leases", help: "Commands that SSH workers were given and that have not ended.") {
            Double(workers.leaseCount)
        }
        try registry.gauge(
            "sallyport_ssh_connections", help: "Connections to hosts that are logged in to, and kept for what comes."
        ) {
            Double(workers.connections.open)
        }
        try registry.gauge("sallyport_ssh_connections_being_made", help: "Connections to hosts that are not logged in to yet.") {
            Double(workers.connections.beingMade)
        }
        try registry.gauges("sallyport_ingress_connected", help: "1 while an ingress is connected.", labels: ["ingress"]) {
            report.dialers.map { ([$0.status.name], $0.isConnected ? 1 : 0) }
        }
    }

    private func observeHosts(_ report: StatusReport) throws(MetricsError) {
        let (jobs, workers) = (report.jobs, report.workers)
        let all: @Sendable () -> [(name: String, target: HostDirectory.Target)] = {
            jobs.rules.now.hosts.targets.map { ($0.key, $0.value) }
        }
        try registry.gauges(
            "sallyport_host_failing", help: "1 while the last command for a host could not be begun there.", labels: ["host"]
        ) {
            let last = workers.hosts.all
            return all().compactMap { host in last[host.name].map { ([host.name], $0.reason == .unspecified ? 0 : 1) } }
        }
        try registry.gauges(
            "sallyport_host_left_alone", help: "1 while nothing is tried on a host, after several failures.", labels: ["host"]
        ) {
            let now = WallClock.now()
            return all().map { ([$0.name], workers.breakers.standing($0.name, now: now).isEmpty ? 0 : 1) }
        }
        try registry.gauges("sallyport_host_places_used", help: "Places of a host that jobs hold.", labels: ["host"]) {
            all().map { ([$0.name], Double(jobs.slots.inUse("host/\($0.name)"))) }
        }
        try registry.gauges("sallyport_host_places", help: "Places that a host has.", labels: ["host"]) {
            all().map { ([$0.name], Double($0.target.concurrency)) }
        }
    }

    private func observeJournal(_ journal: any Journal, _ watch: JournalWatch) throws(MetricsError) {
        try registry.gauge("sallyport_journal_failing", help: "1 while the journal cannot be written.") {
            journal.isFailing ? 1 : 0
        }
        try registry.gauge("sallyport_audit_failing", help: "1 while the audit log cannot be written.") {
            watch.last.audit.error.isEmpty ? 0 : 1
        }
        try registry.gauge("sallyport_journal_bytes", help: "Bytes of the journal's file without what waits in its log.") {
            Double(watch.last.journal.bytes)
        }
        try registry.gauge("sallyport_journal_free_bytes", help: "Bytes of that which are free to be used again.") {
            Double(watch.last.journal.freeBytes)
        }
        try registry.gauge("sallyport_dead_letters", help: "Dead letters that were neither replayed nor discarded.") {
            Double(watch.last.deadLetters)
        }
    }

    private func observeProcess(_ report: StatusReport) throws(MetricsError) {
        try registry.gauges("sallyport_build_info", help: "1; the version is in the label.", labels: ["version"]) {
            [([ExecutorProcess.version], 1)]
        }
        try registry.gauge(
            "sallyport_log_lines_dropped", help: "Lines of the log since the start that were lost because nobody read them."
        ) { Double(LineLogHandler.dropped) }
        try registry.gauge("sallyport_start_time_seconds", help: "When the executor started, in Unix seconds.") {
            Double(report.startedAt) / 1000
        }
        try registry.gauge(
            "sallyport_sandbox_landlock_abi",
            help: "Version of Landlock that keeps files and ports closed, 0 for none; system calls are always filtered."
        ) { Double(report.landlock) }
        try registry.gauge(
            "sallyport_settings_reload_taken", help: "0 after a reload whose settings were refused: those before it are in use."
        ) { report.reloads.last?.problem.isEmpty ?? true ? 1 : 0 }
    }
}
