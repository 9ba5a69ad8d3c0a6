internal import Synchronization

/// The part of the settings that a reload changes. A job goes on under the policy it was accepted by; hosts are those of the moment.
final class Rules: Sendable {
    /// What holds now.
    struct Current: Sendable {
        let policy: Policy
        let hosts: HostDirectory
        let admin: AdminAccess
        let keep: Duration
    }

    private let current: Mutex<Current>

    init(_ current: Current) { self.current = Mutex(current) }

    var now: Current { current.withLock { $0 } }

    /// All of it at one moment.
    func change(to new: Current) { current.withLock { $0 = new } }
}
