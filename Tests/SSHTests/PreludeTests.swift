import Glibc
import ProtocolMessages
import Testing

@testable import SSH

struct PreludeTests {
    private func command(
        _ arguments: [String], environment: [String] = [], deadline: Int = 1, grace: Int = 1, body: Int? = nil
    ) throws -> String {
        let bytes = try Prelude.command(
            processGroup: 4711, arguments: arguments, environment: environment, deadline: deadline, grace: grace,
            body: body)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [Prelude.text, Prelude.commandText])
    func `the text has nothing that a login shell could change`(text: String) {
        for character in "'!\\\n\r\t\0" { #expect(!text.contains(character)) }
        #expect(text.utf8.allSatisfy { (0x20...0x7e).contains($0) })
    }

    @Test func `a command is one line for the feeder and one for the command's shell`() throws {
        let input = try command(["echo", "it's", "a|b", ""], environment: ["A=b c"], deadline: 1500, grace: 230, body: 7)
        #expect(input == "run 4711 1.500 3 7 -\n7|\\|A=b c|--|echo|it's|a%174b|%\n")
        #expect(String(decoding: Prelude.ending(of: 4711), as: UTF8.self) == "kill 4711\n")
    }

    @Test func `no deadline and no grace time become the shortest there is, for timeout takes zero as never`() throws {
        #expect(try command(["true"], deadline: 0, grace: 0).hasPrefix("run 4711 0.001 1 - -\n"))
    }

    @Test(arguments: ["A", "=b", "1A=b", "A-B=c", "A B=c", "", "--", "Ä=b", "A\n=b"])
    func `what is no assignment is refused, for it would end the shell`(variable: String) {
        #expect(throws: PreludeError.self) { try command(["true"], environment: [variable]) }
    }

    @Test func `an empty command, an option in its place, a NUL byte and a line that is too long are refused`() throws {
        for arguments in [[], [""], ["-c"], ["a\0"], ["true", String(repeating: "x", count: Prelude.maximumLine)]] {
            #expect(throws: PreludeError.self) { try command(arguments) }
        }
        func line(_ length: Int) throws -> Substring? {
            try command(["true", String(repeating: "x", count: length)]).split(separator: "\n").last
        }
        let frame = try #require(try line(1)).utf8.count
        // The newline counts too.
        #expect(try line(Prelude.maximumLine - frame)?.utf8.count == Prelude.maximumLine - 1)
        #expect(throws: PreludeError.self) { try line(Prelude.maximumLine - frame + 1) }
    }
}

/// The shells of a host: the user's login shell, and what is behind /bin/sh.
struct Shells: Sendable, CustomTestStringConvertible {
    let login: String
    let sh: String
    var testDescription: String { "\(login), sh is \(sh)" }

    static let all = [
        Shells(login: "/bin/dash", sh: "/bin/dash"), Shells(login: "/bin/bash", sh: "/bin/bash"),
        Shells(login: "/bin/bash", sh: "/bin/dash"), Shells(login: "/usr/bin/fish", sh: "/bin/dash"),
        Shells(login: "/usr/bin/tcsh", sh: "/bin/bash"),
    ]
}

@Suite(.serialized)
struct PreludeRunTests {
    /// Runs a command as a host would and returns its result, what it wrote, and the shell.
    private func run(
        _ shells: Shells, _ arguments: [String], environment: [String] = [], body: [UInt8]? = nil, timeout: UInt32 = 10_000,
        grace: UInt32 = 300, withholding: Int = 0, shellEnvironment: [String]? = nil, noise: String = "",
        cancel: (LeaseRun) -> Bool = { _ in false }, isOurs: Bool = true,
        check: (LocalShell, LeaseRun) -> Void = { _, _ in }
    ) throws -> (result: WireLeaseFinished, stdout: [UInt8], stderr: [UInt8]) {
        let lease = WireLease.with {
            $0.host = "local"
            $0.user = "nobody"
            $0.arguments = arguments
            $0.environment = environment
            $0.timeoutMs = timeout
            $0.graceMs = grace
            $0.stdoutLimit = 8192
            $0.stderrLimit = 8192
            $0.hasBody_p = body != nil
        }
        let line = noise + "exec \(shells.sh)" + Prelude.line.dropFirst("exec /bin/sh".count)
        let shell =
            if let shellEnvironment { try LocalShell(shells.login, line, environment: shellEnvironment) } else {
                try LocalShell(shells.login, line)
            }
        defer { shell.kill() }
        let prelude = WaitingPrelude()
        guard shell.prepare(prelude) else { throw NotReady(message: prelude.failure(host: "local", user: "nobody")) }
        let run = try LeaseRun(lease, body: body ?? [], on: prelude, now: Monotonic.now())
        var (stdout, stderr): ([UInt8], [UInt8]) = ([], [])
        run.onOutput = { stream, bytes in if stream == .stdout { stdout += bytes } else { stderr += bytes } }
        shell.drive(run, withholding: withholding) {
            guard cancel(run) else { return false }
            if isOurs { run.end(.cancel) }
            return true
        }
        check(shell, run)
        return (run.finished(now: Monotonic.now(), groupGone: false), stdout, stderr)
    }

    /// The prelude did not become ready.
    private struct NotReady: Error { let message: String }

    private static let exits: [([String], Int32)] = [
        (["true"], 0), (["false"], 1), (["sh", "-c", "exit 42"], 42), (["/etc/passwd"], 126), (["/nonexistent"], 127),
        (["sh", "-c", "exit 124"], 124), (["sh", "-c", "kill -KILL $$"], 137), (["sh", "-c", "kill -TERM $$"], 143),
    ]

    @Test(arguments: Shells.all, exits)
    func `the exit code comes back`(shells: Shells, command: ([String], Int32)) throws {
        let result = try run(shells, command.0).result
        #expect(result.outcome == .exited)
        #expect(result.exitCode == command.1)
    }

    @Test(arguments: Shells.all)
    func `both streams come back and nothing of the prelude's own is in them`(shells: Shells) throws {
        let (result, stdout, stderr) = try run(shells, ["sh", "-c", "printf out; printf err >&2; kill -KILL $$"])
        #expect(String(decoding: stdout, as: UTF8.self) == "out")
        #expect(String(decoding: stderr, as: UTF8.self) == "err")
        #expect(result.exitCode == 137)
    }

    @Test(arguments: Shells.all)
    func `output larger than every pipe comes back whole`(shells: Shells) throws {
        let script = "head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2"
        let (result, stdout, stderr) = try run(shells, ["sh", "-c", script])
        #expect(result.outcome == .exited)
        #expect(stdout.count == 3_000_000)
        #expect(stderr.count == 2_000_000)
        #expect(result.stdoutTotal == 3_000_000)
        #expect(result.stdout.count <= 8192)
    }

    @Test(arguments: Shells.all, [0, 1, 65_536, 1_048_576])
    func `a body arrives to the byte, and then its end`(shells: Shells, count: Int) throws {
        let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }
        let (result, stdout, _) = try run(shells, ["cat"], body: body)
        #expect(result.outcome == .exited)
        #expect(result.exitCode == 0)
        #expect(stdout == body)
    }

    @Test(arguments: Shells.all)
    func `without a body standard input is empty`(shells: Shells) throws {
        let (result, stdout, _) = try run(shells, ["sh", "-c", "wc -c; readlink /proc/self/fd/0"])
        #expect(result.exitCode == 0)
        #expect(String(decoding: stdout, as: UTF8.self) == "0\n/dev/null\n")
    }

    @Test(arguments: Shells.all)
    func `a body that nobody reads does not delay the result`(shells: Shells) throws {
        let body = [UInt8](repeating: 1, count: 1_048_576)
        let begun = Monotonic.now()
        // The child keeps the body's pipe open and does not read it.
        let result = try run(shells, ["sh", "-c", "exec 5<&0; sleep 5 <&5 & exit 3"], body: body).result
        #expect(result.exitCode == 3)
        #expect(Monotonic.now() - begun < 4_000)
    }

    @Test(arguments: Shells.all)
    func `arguments arrive byte for byte, whatever the login shell makes of them`(shells: Shells) throws {
        let marker = "/tmp/sallyport-argument-\(getpid())"
        let words = [
            ControlWordTests.everyByte, "", " ", "-rf", "--", "a\nb\n", "\n", "'", "it's", "'$(id)'", "`id`", "$HOME", "a;b", "*",
            "~", "%041",
            "\\", "\\'", "\"", "!!", "!#:12", "{a,b}", "#", "ü€😀", "\r\n", "\u{1b}[31m", "`touch \(marker)`",
            "(touch \(marker)) #",
            "\\", "(touch \(marker)) #",
        ]
        let (result, stdout, _) = try run(shells, ["printf", "%s:"] + words)
        #expect(result.exitCode == 0)
        #expect(stdout == Array(words.map { $0 + ":" }.joined().utf8))
        #expect(access(marker, F_OK) != 0)
    }

    @Test(arguments: Shells.all)
    func `a child in the background that keeps the output open does not delay the result`(shells: Shells) throws {
        let begun = Monotonic.now()
        #expect(try run(shells, ["sh", "-c", "sleep 5 & exit 7"]).result.exitCode == 7)
        #expect(Monotonic.now() - begun < 4_000)
    }

    @Test(arguments: Shells.all)
    func `the environment holds what was given, whatever its names, and nothing of the prelude's`(shells: Shells) throws {
        let given = ["_n=1", "_p=2", "_e=3", "_b=4", "IFS=x", "A=a b 'c' $(id)\nd", "n=", "PS4=--"]
        let (result, stdout, _) = try run(shells, ["/usr/bin/env", "-0"], environment: given)
        #expect(result.exitCode == 0)
        let seen = Set(stdout.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
        #expect(seen.isSuperset(of: given))
        let names = Set(seen.map { $0.prefix { $0 != "=" } }).subtracting(given.map { $0.prefix { $0 != "=" } })
        // What fish and tcsh set themselves.
        let shellsOwn: Set<Substring> = [
            "LC_CTYPE", "USER", "LOGNAME", "GROUP", "HOST", "HOSTTYPE", "MACHTYPE", "OSTYPE", "VENDOR", "NLSPATH",
        ]
        #expect(names.subtracting(shellsOwn).isSubset(of: ["PATH", "HOME", "PWD", "OLDPWD", "SHLVL", "_"]))
    }

    @Test(arguments: Shells.all)
    func `the command starts with default signals, its own group and three descriptors`(shells: Shells) throws {
        var group: UInt32?
        let script = "grep SigIgn /proc/self/status; ls /proc/self/fd; ps -o pgid= -p $$ | tr -d \" \""
        let (_, stdout, _) = try run(shells, ["dash", "-c", script], check: { _, run in group = run.processGroup })
        let lines = String(decoding: stdout, as: UTF8.self).split(separator: "\n")
        // The two real-time signals that glibc keeps for itself are as the test found them.
        #expect(lines.first.flatMap { UInt64($0.dropFirst(8), radix: 16) }.map { $0 & 0x7fff_ffff } == 0)
        // The fourth is the folder that ls reads.
        #expect(lines.dropFirst().dropLast() == ["0", "1", "2", "3"])
        #expect(lines.last.flatMap { UInt32($0) } == group)
    }

    @Test(arguments: Shells.all)
    func `the end of the control input cancels the command`(shells: Shells) throws {
        let begun = Monotonic.now()
        let result = try run(shells, ["sleep", "30"], cancel: { $0.hasStarted }).result
        #expect(result.outcome == .cancelled)
        #expect(Monotonic.now() - begun < 5_000)
    }

    @Test(arguments: Shells.all)
    func `a command that the host ends, although nobody cancelled it, is no success`(shells: Shells) throws {
        let script = "trap \"exit 0\" TERM; while :; do sleep 0.1; done"
        let result = try run(shells, ["sh", "-c", script], cancel: { $0.hasStarted }, isOurs: false).result
        #expect(result.outcome == .unknown)
        #expect(result.error.contains("nobody had cancelled it"))
    }

    @Test(arguments: [SIGTERM, SIGKILL])
    func `the end of a waiting shell is not taken for a command's`(signal: Int32) throws {
        let shell = try LocalShell("/bin/sh", Prelude.line)
        defer { shell.kill() }
        let prelude = WaitingPrelude()
        try #require(shell.prepare(prelude))
        let run = try LeaseRun(.with { $0.arguments = ["true"] }, body: [], on: prelude, now: Monotonic.now())
        Glibc.kill(pid_t(run.processGroup), signal)
        for _ in 0..<200 where !LocalShell.processes({ $0.group == pid_t(run.processGroup) }).isEmpty { usleep(10_000) }
        shell.drive(run)
        let result = run.finished(now: Monotonic.now(), groupGone: false)
        #expect(result.outcome == .notStarted)
        #expect(result.error.contains("before the command began"))
    }

    @Test func `a prelude that has said its end is over before its channel is`() {
        let prelude = WaitingPrelude()
        prelude.received(Array("\(prelude.nonce) ready 4711\n".utf8), stderr: true)
        #expect(!prelude.isOver)
        prelude.received(Array("\(prelude.nonce) exit 143\n".utf8), stderr: false)
        #expect(prelude.isOver)
    }

    @Test(arguments: Shells.all)
    func `a cancel ends what ignores TERM, and its children`(shells: Shells) throws {
        let script = "trap \"\" TERM; sleep 30 & while :; do sleep 1; done"
        var gone = false
        let result = try run(
            shells, ["sh", "-c", script], cancel: { $0.hasStarted },
            check: { _, run in gone = Self.isGone(run.processGroup) }
        ).result
        #expect(result.outcome == .cancelled)
        #expect(gone)
    }

    @Test(arguments: Shells.all)
    func `the deadline ends what ignores TERM, and its children`(shells: Shells) throws {
        let begun = Monotonic.now()
        var gone = false
        let script = "trap \"\" TERM; sleep 30 & while :; do sleep 1; done"
        let result = try run(
            shells, ["sh", "-c", script], timeout: 300, check: { _, run in gone = Self.isGone(run.processGroup) }
        ).result
        #expect(result.outcome == .timedOut)
        #expect(Monotonic.now() - begun < 5_000)
        #expect(gone)
    }

    @Test(arguments: Shells.all)
    func `a body that was cut off never looks whole to the command`(shells: Shells) throws {
        let script = "cat >/dev/null; echo whole"
        let body = [UInt8](repeating: 0x61, count: 100_000)
        // One byte of the body and the newline after it do not come.
        let (result, stdout, _) = try run(
            shells, ["sh", "-c", script], body: body, withholding: 2, cancel: { $0.unsent.count == 2 })
        #expect(result.outcome == .cancelled)
        #expect(stdout.isEmpty)
    }

    @Test(arguments: Shells.all)
    func `no process of the prelude outlives the command for longer than its control input`(shells: Shells) throws {
        for body in [nil, [UInt8](repeating: 0, count: 100)] {
            var left: [pid_t] = [-1]
            _ = try run(
                shells, ["true"], body: body,
                check: { shell, _ in
                    shell.endInput()
                    for _ in 0..<100 where !left.isEmpty {
                        usleep(20_000)
                        left = shell.survivors
                    }
                })
            #expect(left.isEmpty)
        }
    }

    @Test(arguments: Shells.all)
    func `a host without timeout is unsuitable`(shells: Shells) throws {
        let error = #expect(throws: NotReady.self) { try run(shells, ["true"], shellEnvironment: ["PATH=/nonexistent"]) }
        #expect(error?.message.contains("`timeout`") == true)
    }

    @Test(arguments: Shells.all)
    func `without setsid the command has a group of its own all the same`(shells: Shells) throws {
        let folder = "/tmp/sallyport-path-\(getpid())-\(shells.login.split(separator: "/").last ?? "")"
        mkdir(folder, 0o755)
        let programs = ["timeout", "cat", "head", "date", "sleep", "sh"]
        for program in programs { symlink("/bin/\(program)", "\(folder)/\(program)") }
        defer {
            for program in programs { unlink("\(folder)/\(program)") }
            rmdir(folder)
        }
        var gone = false
        let result = try run(
            shells, ["sh", "-c", "sleep 30 & sleep 30"], timeout: 300, shellEnvironment: ["PATH=\(folder)"],
            check: { _, run in gone = Self.isGone(run.processGroup) }
        ).result
        #expect(result.outcome == .timedOut)
        #expect(gone)
    }

    @Test func `a login shell that runs nothing is unsuitable, and says why`() throws {
        let error = #expect(throws: NotReady.self) {
            try run(Shells(login: "/usr/sbin/nologin", sh: "/bin/sh"), ["true"])
        }
        #expect(error?.message.contains("not available") == true)
    }

    @Test(arguments: Shells.all)
    func `what a login shell prints before is not output`(shells: Shells) throws {
        let (_, stdout, stderr) = try run(
            shells, ["sh", "-c", "echo mine; echo mine >&2"], noise: "/bin/sh -c 'echo theirs; echo theirs >&2'; ")
        #expect(String(decoding: stdout, as: UTF8.self) == "mine\n")
        #expect(String(decoding: stderr, as: UTF8.self) == "mine\n")
    }

    @Test(arguments: Shells.all)
    func `the ending of a group ends it and says so, and says no more than is true`(shells: Shells) throws {
        let target = try LocalShell(shells.login, "trap \"\" TERM; sleep 60 & sleep 60")
        defer { target.kill() }
        for attempt in 0...1 {
            let shell = try LocalShell(shells.login, "exec \(shells.sh)" + Prelude.line.dropFirst("exec /bin/sh".count))
            let prelude = WaitingPrelude()
            #expect(shell.prepare(prelude))
            let run = try LeaseRun(.with { $0.arguments = ["true"] }, body: [], on: prelude, now: 0)
            let kill = GroupKill(run, processGroup: UInt32(target.pid), now: Monotonic.now())
            kill.begin(on: prelude)
            shell.feed(Array(kill.unsent))
            let said = shell.readToEnd().stderr
            // While its leader is a zombie of this test the group has a member: that is not gone.
            #expect(kill.received(said, stderr: true) == (attempt == 1))
            shell.kill()
            #expect(LocalShell.processes { $0.group == target.pid }.isEmpty)
            target.kill()
        }
    }

    private static func isGone(_ group: UInt32) -> Bool {
        for _ in 0..<100 {
            if LocalShell.processes({ $0.group == pid_t(group) }).isEmpty { return true }
            usleep(10_000)
        }
        return false
    }
}
