internal import Telemetry

extension JobService {
    /// Tells the service manager that jobs are looked after, as often as it wants to hear it: from where that is done, so that it hears
    /// nothing when that stands still.
    ///
    /// - Returns: nil when it does not want to hear it.
    func feedWatchdog(of notify: SystemdNotify) -> Task<Void, Never>? {
        guard let interval = notify.watchdogInterval else { return nil }
        return Task(executorPreference: executor) {
            while !Task.isCancelled {
                notify.send(.watchdog)
                try? await Task.sleep(for: interval / 2)
            }
        }
    }
}
