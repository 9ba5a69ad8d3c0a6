internal import ProtocolMessages

/// Ends a process group, or a systemd unit with it, from a second channel and says whether it is gone.
final class GroupKill {
    /// How long the answer may take, in milliseconds, the wait for a channel included.
    static let limit = 8_000

    let run: LeaseRun
    let processGroup: UInt32
    let deadline: Int
    private var scanners: [MarkScanner] = []
    private var input: ArraySlice<UInt8>

    init(_ run: LeaseRun, processGroup: UInt32, now: Int) {
        self.run = run
        self.processGroup = processGroup
        deadline = now + Self.limit
        input = Prelude.ending(of: processGroup)[...]
    }

    /// Goes on where a waiting prelude is.
    func begin(on prelude: WaitingPrelude) {
        scanners = prelude.scanners
        guard run.lease.inSystemdUnit, let group = prelude.processGroup else { return }
        let command = try? Prelude.command(
            processGroup: group, arguments: SystemdUnit.ending(of: run.nonce, processGroup: processGroup),
            environment: SystemdUnit.environment(run.lease.environment, nonce: prelude.nonce), deadline: Self.limit, grace: 100,
            body: nil)
        // It always fits; without it the group at least is ended.
        if let command { input = command[...] }
    }

    var unsent: ArraySlice<UInt8> { input }
    func wrote(_ count: Int) { input = input.dropFirst(count) }

    /// Takes output; the verdict once it is there.
    func received(_ bytes: [UInt8], stderr: Bool) -> Bool? {
        for mark in scanners[stderr ? 1 : 0].scan(bytes[...], output: { _ in }) {
            if case .ended(let isGone) = mark { return isGone }
        }
        return nil
    }
}
