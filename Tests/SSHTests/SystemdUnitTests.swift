import Glibc
import ProtocolMessages
import SwiftProtobuf
import TestSupport
import Testing

@testable import SSH

/// A command in a unit of its own, with what stands in for systemd and real cgroups; without them only what is refused.
@Suite(.serialized)
struct SystemdUnitTests {
    private static let shells = ["/bin/dash", "/bin/bash"]
    private static let hasCgroups = StandInSystemd.root != nil

    private func run(
        _ shell: String, _ script: String, path: String, contained: Bool = true, body: [UInt8]? = nil, timeout: UInt32 = 10_000,
        grace: UInt32 = 300, cancel: (LeaseRun) -> Bool = { _ in false }, after: (LeaseRun) -> Void = { _ in }
    ) throws -> (result: WireLeaseFinished, stdout: String, stderr: String) {
        let lease = WireLease.with {
            $0.host = "local"
            $0.user = "root"
            $0.arguments = ["sh", "-c", script]
            $0.environment = ["WORD=kept", path]
            $0.timeoutMs = timeout
            $0.graceMs = grace
            $0.stdoutLimit = 8192
            $0.stderrLimit = 8192
            $0.hasBody_p = body != nil
            $0.inSystemdUnit = contained
        }
        let login = try LocalShell(shell, Prelude.line)
        defer { login.kill() }
        let prelude = WaitingPrelude()
        try #require(login.prepare(prelude))
        let run = try LeaseRun(lease, body: body ?? [], on: prelude, now: Monotonic.now())
        login.drive(run) {
            guard cancel(run) else { return false }
            run.end(.cancel)
            return true
        }
        after(run)
        let result = run.finished(now: Monotonic.now(), groupGone: false)
        return (result, String(decoding: result.stdout, as: UTF8.self), String(decoding: result.stderr, as: UTF8.self))
    }

    /// Leaves its group and session, and says under which number.
    private static let escape = "setsid sh -c 'echo $$; exec sleep 4322 >/dev/null 2>&1' & sleep 0.3; "

    private func lives(_ text: String) -> Bool {
        guard let pid = pid_t(text.split(whereSeparator: \.isNewline).first ?? "") else { return false }
        return !LocalShell.processes { $0.pid == pid }.isEmpty
    }

    private func end(_ text: String) {
        if let pid = pid_t(text.split(whereSeparator: \.isNewline).first ?? "") { kill(pid, SIGKILL) }
    }

    /// Asks over a second prelude, as a connection does.
    private func isGone(_ run: LeaseRun) throws -> Bool? {
        let login = try LocalShell("/bin/sh", Prelude.line)
        defer { login.kill() }
        let prelude = WaitingPrelude()
        try #require(login.prepare(prelude))
        let kill = GroupKill(run, processGroup: run.processGroup, now: Monotonic.now())
        kill.begin(on: prelude)
        login.feed(Array(kill.unsent))
        var gone: Bool?
        login.look { bytes, stderr in
            gone = kill.received(bytes, stderr: stderr)
            return gone != nil
        }
        return gone
    }

    @Test(.enabled(if: hasCgroups), arguments: shells)
    func `output, exit code, body and environment are the command's own, and the unit ends with it`(shell: String) throws {
        let systemd = try StandInSystemd()
        let script = "cat; echo $WORD ${_sallyport-none}; echo err >&2; exit 7"
        let (result, stdout, stderr) = try run(shell, script, path: systemd.path, body: Array("body|".utf8))
        #expect(result.outcome == .exited, "\(result.error)")
        #expect(result.exitCode == 7)
        #expect(stdout == "body|kept none\n")
        #expect(stderr == "err\n")
        #expect(eventually { systemd.units.isEmpty })
        #expect(systemd.arguments.contains("--property=RuntimeMaxSec=21"))
        #expect(systemd.arguments.contains { $0.hasPrefix("--unit=sallyport-") && $0.hasSuffix(".scope") })
    }

    @Test(.enabled(if: hasCgroups), arguments: shells)
    func `what has left the group ends with the command, and without a unit it does not`(shell: String) throws {
        let systemd = try StandInSystemd()
        let contained = try run(shell, Self.escape, path: systemd.path)
        #expect(contained.result.outcome == .exited && contained.result.exitCode == 0)
        #expect(!lives(contained.stdout) && !contained.stdout.isEmpty)
        let free = try run(shell, Self.escape, path: systemd.path, contained: false)
        #expect(lives(free.stdout), "or the test proves nothing")
        end(free.stdout)
    }

    @Test(.enabled(if: hasCgroups), arguments: shells)
    func `a deadline ends what ignores TERM and what has left the group, and the unit is empty`(shell: String) throws {
        let systemd = try StandInSystemd()
        var gone: Bool?
        let (result, stdout, _) = try run(
            shell, "trap '' TERM; \(Self.escape)while :; do sleep 1; done", path: systemd.path, timeout: 1_000,
            after: { gone = try? isGone($0) })
        #expect(result.outcome == .timedOut)
        #expect(result.error.contains("its systemd unit and its process group are"))
        #expect(gone == true)
        #expect(!lives(stdout) && !stdout.isEmpty)
        #expect(eventually { systemd.units.isEmpty })
    }

    @Test(.enabled(if: hasCgroups), arguments: shells)
    func `a cancel leaves the command its grace time, and nothing of the unit behind`(shell: String) throws {
        let systemd = try StandInSystemd()
        let script = "trap 'sleep 0.5; echo cleaned; exit 0' TERM; \(Self.escape)echo up >&2; while :; do sleep 0.1; done"
        var begun: Int?
        let (result, stdout, _) = try run(
            shell, script, path: systemd.path, grace: 3_000,
            cancel: { run in
                guard run.isInUnit else { return false }
                begun = begun ?? Monotonic.now()
                return Monotonic.now() - (begun ?? 0) > 800
            })
        #expect(result.outcome == .cancelled)
        #expect(stdout.contains("cleaned"))
        #expect(!lives(stdout))
        #expect(eventually { systemd.units.isEmpty })
    }

    @Test(.enabled(if: hasCgroups))
    func `when all that watches over it is killed, the unit ends all the same`() throws {
        let systemd = try StandInSystemd()
        let login = try LocalShell("/bin/sh", Prelude.line)
        let prelude = WaitingPrelude()
        try #require(login.prepare(prelude))
        let lease = WireLease.with {
            $0.arguments = ["sh", "-c", "\(Self.escape)sleep 4323"]
            $0.environment = [systemd.path]
            $0.timeoutMs = 60_000
            $0.graceMs = 100
            $0.stdoutLimit = 1024
            $0.stderrLimit = 1024
            $0.inSystemdUnit = true
        }
        let run = try LeaseRun(lease, body: [], on: prelude, now: Monotonic.now())
        login.drive(run, within: 1_500)
        try #require(run.isInUnit)
        #expect(systemd.units.count == 1)
        // The session's shells, as the end of a login would; the group of the command too.
        kill(-pid_t(run.processGroup), SIGKILL)
        login.kill()
        for _ in 0..<200 where !systemd.units.isEmpty { usleep(20_000) }
        #expect(eventually { systemd.units.isEmpty })
    }

    @Test(arguments: shells)
    func `a host that gives no unit is unsuitable, and the command does not run`(shell: String) throws {
        let empty = "PATH=/nonexistent"
        let (none, _, _) = try run(shell, "echo ran", path: empty)
        #expect(none.outcome == .notStarted)
        #expect(none.reason == .hostUnsuitable)
        #expect(none.error.contains("no systemd-run on its PATH") || none.error.contains("no id on its PATH"), "\(none.error)")
        #expect(none.stdout.isEmpty)
        // The real systemd-run, where no systemd runs.
        guard access("/usr/bin/systemd-run", X_OK) == 0, access("/run/systemd/system", F_OK) != 0 else { return }
        let (real, _, _) = try run(shell, "echo ran", path: "PATH=/usr/bin:/bin")
        #expect(real.outcome == .notStarted)
        #expect(real.reason == .hostUnsuitable)
        #expect(real.error.contains("gives it none") && real.error.contains("systemd-run --scope true"), "\(real.error)")
        #expect(real.stdout.isEmpty)
    }

    @Test(.enabled(if: hasCgroups))
    func `a unit that systemd does not answer for is not said to be gone`() throws {
        let systemd = try StandInSystemd()
        var gone: Bool?
        _ = try run(
            "/bin/sh", "true", path: systemd.path,
            after: { run in
                // From here on it does not answer.
                unlink("\(systemd.folder)/systemctl")
                symlink("/bin/false", "\(systemd.folder)/systemctl")
                gone = try? isGone(run)
            })
        #expect(gone == false)
    }

    @Test func `the unit's name tells nothing of the nonce`() {
        let name = SystemdUnit.name(nonce: "00112233445566778899aabbccddeeff")
        #expect(name.hasPrefix("sallyport-") && name.hasSuffix(".scope") && name.utf8.count == 48)
        #expect(!SystemdUnit.arguments(["true"], nonce: "0011", limit: 1).contains { $0.contains("0011") })
        #expect(SystemdUnit.environment([], nonce: "0011") == ["_sallyport=0011"])
    }
}
