internal import Audit
internal import Authentication
internal import JobProtocol
internal import Logging
internal import Settings
internal import SettingsReload
internal import Telemetry

/// Brings changed settings in: reads, checks, and then swaps all of it or nothing.
struct Reload {
    private var settings: ExecutorSettings
    /// Ports that the SSH workers were started with: they may connect to no other.
    private let ports: Set<UInt16>
    private let reader: SettingsReader
    private let rules: Rules
    private let workers: WorkerPool
    private let journal: any Journal
    private let metrics: ExecutorMetrics
    private let record: ReloadRecord
    private let threshold: LogThreshold
    private let logger: Logger

    init(
        settings: ExecutorSettings, reader: SettingsReader, rules: Rules, workers: WorkerPool, journal: any Journal,
        metrics: ExecutorMetrics, record: ReloadRecord, threshold: LogThreshold, logger: Logger
    ) {
        self.settings = settings
        ports = settings.ports
        self.reader = reader
        self.rules = rules
        self.workers = workers
        self.journal = journal
        self.metrics = metrics
        self.record = record
        self.threshold = threshold
        self.logger = logger
    }

    /// Reads the settings again; whatever is wrong is logged, and then nothing changes.
    mutating func run() {
        do {
            let files = try reader.read()
            let new = try FileView.$current.withValue(files) { try ExecutorSettings(file: settings.file) }
            let fixed = new.needingRestart(since: settings, ports: ports)
            guard fixed.isEmpty else { return refuse(["changed, and needs a restart: " + fixed.joined(separator: ", ")]) }
            settings = new
            journal.recordLater([.policyChanged(new.policy.digest, at: WallClock.now())])
            rules.change(to: new.rules)
            workers.keep(places: new.hosts.places)
            threshold.level = new.logLevel
            metrics.reloads.with("done").increment()
            record.note(nil)
            logger.info(
                "settings are read again",
                metadata: ["jobs": "\(new.policy.jobs.count)", "policy": "\(new.policy.digest.prefix(16))"])
        } catch let problems as SettingsProblems {
            refuse(problems.problems.map(\.description))
        } catch {
            refuse(["\(error)"])
        }
    }

    private func refuse(_ problems: [String]) {
        metrics.reloads.with("refused").increment()
        let more = problems.count > 1 ? " (and \(problems.count - 1) more, see the log)" : ""
        record.note(((problems.first ?? "") + more).clipped(toBytes: JobLimits.errorText))
        for problem in problems { logger.error("settings are not good", metadata: ["problem": "\(problem)"]) }
        logger.error("nothing is changed: the settings before stay in use", metadata: ["problems": "\(problems.count)"])
    }
}

extension ExecutorSettings {
    /// Parts that a reload swaps. Of `admin` only who may ask, of `journal` only how long it keeps, of `hosts` all but a new port.
    private static let changeable: Set<String> = [
        "jobs", "hosts", "groups", "identities", "known-hosts", "admin", "journal", "log",
    ]

    /// What a reload cannot bring in.
    static func fixed(_ root: SettingsMapping) -> FixedSettings {
        var parts: [String: String] = [:]
        for key in keys where !changeable.contains(key) { parts[key] = root.optional(key).canonicalText }
        for (part, all, free) in [
            ("admin", AdminSettings.keys, ["operators", "readers"]), ("journal", JournalSettings.keys, ["keep"]),
        ] where root.optional(part).isMapping {
            let keys = root.optional(part).mapping(all)
            for key in all where !free.contains(key) { parts["\(part).\(key)"] = keys.optional(key).canonicalText }
        }
        return FixedSettings(parts)
    }

    /// What jobs are checked against and run on.
    var rules: Rules.Current { Rules.Current(policy: policy, hosts: hosts, admin: admin, keep: journal.keep) }

    /// What differs from `old` and cannot be changed while the process runs.
    ///
    /// - Parameter known: ports of the start.
    func needingRestart(since old: ExecutorSettings, ports known: Set<UInt16>) -> [String] {
        var keys = fixed.differences(from: old.fixed)
        // The file may be the same and the key in it another.
        if signingKey.publicKey.raw != old.signingKey.publicKey.raw { keys.append("signing-key") }
        let ports = ports.subtracting(known)
        if let problem = old.workers.problem(with: hosts.places) { keys.append("workers (\(problem))") }
        if !ports.isEmpty { keys.append("hosts (port \(ports.sorted().map(String.init).joined(separator: ", ")) is new)") }
        return keys
    }

    /// What is connected to without a jump host.
    var ports: Set<UInt16> { Set(hosts.targets.values.filter(\.jumps.isEmpty).map(\.port)) }
}
