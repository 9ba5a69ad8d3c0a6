import Foundation
import Glibc
import ProtocolMessages
import Testing

@testable import SSH

/// A command with a lock begins on a host only when no earlier attempt of its job is left there.
@Suite(.serialized)
final class PreludeLockTests {
    private let user = "lock-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    private var folder: String { "/tmp/sallyport-\(user)" }
    private var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }

    deinit { try? FileManager.default.removeItem(atPath: "/tmp/sallyport-\(user)") }

    /// A command on its way, in a shell of its own as on a channel of its own.
    private final class Attempt {
        let shell: LocalShell
        let run: LeaseRun
        var stdout: [UInt8] = []

        init(
            _ shells: Shells, _ arguments: [String], lock: String = "job-1", user: String, body: [UInt8]? = nil,
            grace: UInt32 = 300,
            path: String = "/usr/local/bin:/usr/bin:/bin"
        ) throws {
            let line = "exec \(shells.sh)" + Prelude.line.dropFirst("exec /bin/sh".count)
            shell = try LocalShell(
                shells.login, line, environment: ["PATH=\(path)", "HOME=/", "LOGNAME=\(user)", "USER=\(user)"])
            let prelude = WaitingPrelude()
            try #require(shell.prepare(prelude))
            let lease = WireLease.with {
                ($0.host, $0.user, $0.arguments, $0.lock) = ("local", user, arguments, lock)
                ($0.timeoutMs, $0.graceMs, $0.stdoutLimit, $0.stderrLimit) = (30_000, grace, 8192, 8192)
                $0.hasBody_p = body != nil
            }
            run = try LeaseRun(lease, body: body ?? [], on: prelude, now: Monotonic.now())
            run.onOutput = { [unowned self] stream, bytes in if stream == .stdout { self.stdout += bytes } }
        }

        deinit { shell.kill() }

        /// Sends it and waits until it runs.
        func begin() throws {
            shell.drive(run, until: { run.hasStarted })
            try #require(run.hasStarted)
        }

        func end(within limit: Int = 15_000) -> WireLeaseFinished {
            shell.drive(run, within: limit)
            // As by the end of its channel.
            shell.endInput()
            for _ in 0..<100 where !shell.survivors.isEmpty { usleep(20_000) }
            return run.finished(now: Monotonic.now(), groupGone: false)
        }
    }

    private func attempt(_ shells: Shells, _ arguments: [String], lock: String = "job-1", body: [UInt8]? = nil) throws -> Attempt
    {
        try Attempt(shells, arguments, lock: lock, user: user, body: body)
    }

    // Each takes as long as the patience is.
    @Test(arguments: Shells.all.prefix(2))
    func `while an attempt runs another one of its job does not begin, and one of another job does`(shells: Shells) throws {
        let first = try attempt(shells, ["sleep", "30"])
        try first.begin()
        #expect(files == ["job-1"])
        let begun = Monotonic.now()
        let second = try attempt(shells, ["echo", "ran"])
        let refused = second.end()
        #expect(refused.outcome == .notStarted)
        #expect(refused.reason == .busy)
        #expect(refused.error.contains("an earlier attempt of this job still runs on local: it holds \(folder)/job-1 there"))
        #expect(second.stdout.isEmpty)
        #expect(Monotonic.now() - begun >= Prelude.lockPatience * 1000)
        #expect(try attempt(shells, ["true"], lock: "job-2").end().outcome == .exited)
        #expect(LocalShell.processes { $0.group == pid_t(first.run.processGroup) }.count == 1)
    }

    @Test(arguments: Shells.all, [nil, [UInt8](repeating: 7, count: 100)])
    func `the lock goes with its command, whichever way that ends`(shells: Shells, body: [UInt8]?) throws {
        for _ in 0..<3 {
            let attempt = try attempt(shells, ["sh", "-c", "exit 3"], body: body)
            #expect(attempt.end().exitCode == 3)
        }
        let cancelled = try attempt(shells, ["sleep", "30"], body: body)
        try cancelled.begin()
        cancelled.run.end(.cancel)
        cancelled.shell.endInput()
        #expect(cancelled.end().outcome == .cancelled)
        #expect(try attempt(shells, ["true"], body: body).end().exitCode == 0)
        #expect(files.isEmpty)
    }

    @Test(arguments: Shells.all)
    func `an attempt whose connection is gone is waited for until the host has ended it`(shells: Shells) throws {
        let first = try Attempt(
            shells, ["sh", "-c", "trap \"\" TERM; while :; do sleep 0.1; done"], user: user, grace: 2_000)
        try first.begin()
        let group = pid_t(first.run.processGroup)
        first.shell.endInput()
        let second = try attempt(shells, ["sh", "-c", "kill -s 0 -- -\(group) 2>/dev/null && echo beside"])
        let result = second.end()
        #expect(result.outcome == .exited)
        #expect(second.stdout.isEmpty, "the first one's group was there still")
    }

    /// Of two at once exactly one runs, the other one after it.
    @Test(arguments: Shells.all)
    func `two that begin at once run one after the other`(shells: Shells) throws {
        let mark = "\(folder)-mark"
        defer { try? FileManager.default.removeItem(atPath: mark) }
        let script = "echo b >> \(mark); sleep 0.4; echo e >> \(mark)"
        let both = try (0..<2).map { _ in try attempt(shells, ["sh", "-c", script]) }
        for attempt in both { attempt.shell.drive(attempt.run, until: { attempt.run.unsent.isEmpty }) }
        for attempt in both { #expect(attempt.end().exitCode == 0) }
        #expect(try String(contentsOfFile: mark, encoding: .utf8) == "b\ne\nb\ne\n")
    }

    @Test(arguments: Shells.all)
    func `a folder of another user, a link and a host without flock are refused by name`(shells: Shells) throws {
        try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: "/var/tmp")
        let linked = try attempt(shells, ["true"]).end()
        #expect(linked.outcome == .notStarted)
        #expect(linked.reason == .hostUnsuitable)
        #expect(linked.error.contains("a folder \(folder) of \(user)'s own"))
        try FileManager.default.removeItem(atPath: folder)
        mkdir(folder, 0o777)
        if geteuid() == 0 {
            chown(folder, 1, 1)
            #expect(try attempt(shells, ["true"]).end().reason == .hostUnsuitable)
        }
        let programs = "\(folder)/programs"
        mkdir(programs, 0o755)
        for program in ["timeout", "cat", "head", "date", "sleep", "sh", "setsid", "true"] {
            symlink("/usr/bin/\(program)", "\(programs)/\(program)")
        }
        let missing = try Attempt(shells, ["true"], user: user, path: programs).end()
        #expect(missing.reason == .hostUnsuitable)
        #expect(missing.error.contains("flock(1)"))
        #expect(try Attempt(shells, ["true"], lock: "", user: user, path: programs).end().exitCode == 0)
    }

    @Test func `the name of a lock is no path and no word of the shell`() {
        for name in ["a/b", "..", "a b", "$(id)", "a;b", "a\nb", "ä"] {
            #expect(throws: PreludeError.self, "\(name)") {
                try Prelude.command(
                    processGroup: 2, arguments: ["true"], environment: [], deadline: 1, grace: 1, body: nil, lock: name)
            }
        }
    }
}
