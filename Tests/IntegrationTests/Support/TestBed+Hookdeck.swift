import Foundation
import HookdeckStandIn
import TestSupport

extension TestBed {
    /// Hookdeck in front of one hook, with the retry rule of `deploy/hookdeck`.
    ///
    /// - Parameters:
    ///   - speed: Hookdeck's seconds in one of ours.
    ///   - timeout: of its deliveries, in seconds of ours.
    ///   - retry: in place of that rule.
    func hookdeck(
        _ hook: String, secret: String? = nil, speed: Double = 100, timeout: Double = 20, limit: HookdeckConnection.Limit? = nil,
        retry: RetryRule? = nil
    ) throws -> HookdeckStandIn {
        HookdeckStandIn(
            HookdeckConnection(port: httpPort, path: "/hooks/\(hook)", limit: limit, retry: try retry ?? DeployedFiles.retry()),
            secret: try secret ?? hookdeckSecret, speed: speed, timeout: timeout * speed)
    }
}

extension HookdeckStandIn {
    /// Takes a JSON body in and waits until nothing more is planned for it.
    func deliver(_ body: String, within seconds: Double = 30) throws -> HookdeckEvent {
        guard let id = try receive(Array(body.utf8)) else { throw TestBedError("the event was filtered out") }
        return try settled(id, within: seconds)
    }
}

extension HookdeckEvent {
    /// Statuses of its attempts; 0 where nothing was answered.
    var statuses: [Int] { attempts.map { $0.status ?? 0 } }
    /// Seconds of Hookdeck's clock from the end of an attempt to the begin of the next.
    var pauses: [Double] { zip(attempts, attempts.dropFirst()).map { $1.startedAt - ($0.endedAt ?? .infinity) } }
}
