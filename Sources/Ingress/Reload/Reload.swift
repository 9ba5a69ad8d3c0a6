internal import Authentication
internal import Logging
internal import Settings
internal import SettingsReload
internal import Telemetry

/// Brings changed settings in: reads, checks, and then swaps all of it or nothing.
///
/// Requests whose head has been read go on with the hook they began with, connections with their limits and their certificate.
struct Reload {
    private var settings: IngressSettings
    private let reader: SettingsReader
    private let service: DeliveryService
    private let listener: HTTPListener
    private let metrics: IngressMetrics
    private let threshold: LogThreshold
    private let logger: Logger

    init(
        settings: IngressSettings, reader: SettingsReader, service: DeliveryService, listener: HTTPListener,
        metrics: IngressMetrics, threshold: LogThreshold, logger: Logger
    ) {
        self.settings = settings
        self.reader = reader
        self.service = service
        self.listener = listener
        self.metrics = metrics
        self.threshold = threshold
        self.logger = logger
    }

    /// Reads the settings again; whatever is wrong is logged, and then nothing changes.
    mutating func run() {
        do {
            let files = try reader.read()
            let new = try FileView.$current.withValue(files) { try IngressSettings(file: settings.file) }
            let fixed = new.needingRestart(since: settings)
            guard fixed.isEmpty else { return refuse(["changed, and needs a restart: " + fixed.joined(separator: ", ")]) }
            settings = new
            service.change(to: new.serving)
            listener.change(to: new.listening)
            threshold.level = new.logLevel
            metrics.reloaded(true)
            logger.info("settings are read again", metadata: ["hooks": "\(new.hooks.count)"])
        } catch let problems as SettingsProblems {
            refuse(problems.problems.map(\.description))
        } catch {
            refuse(["\(error)"])
        }
    }

    private func refuse(_ problems: [String]) {
        metrics.reloaded(false)
        for problem in problems { logger.error("settings are not good", metadata: ["problem": "\(problem)"]) }
        logger.error("nothing is changed: the settings before stay in use", metadata: ["problems": "\(problems.count)"])
    }
}

extension IngressSettings {
    /// What deliveries are served with.
    var serving: Serving { Serving(hooks: hooks, limits: limits, jobReading: jobReading) }

    /// What connections are served with.
    var listening: HTTPListener.Current { .init(limits: limits.http, tls: listen.tls) }

    /// What differs from `old` and cannot be changed while the process runs.
    func needingRestart(since old: IngressSettings) -> [String] {
        var keys = fixed.differences(from: old.fixed)
        // The file may be the same and the key in it another.
        if signingKey.publicKey.raw != old.signingKey.publicKey.raw { keys.append("executor.signing-key") }
        return keys
    }
}
