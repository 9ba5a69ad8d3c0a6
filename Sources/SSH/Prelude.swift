/// The shell text that is sent with every command: it bounds the command on the host and says how it ended. Nothing is installed there.
///
/// It must pass unchanged through any login shell, so it has no single quote, no newline, no `!` and no backslash.
/// What each part does:
///
/// - `read -r n`: the nonce comes on standard input and is in no process list.
/// - `begin`: what a login shell printed before it is noise and is dropped.
/// - `f`, the watcher, reads the control input once the body went to the command. Its end, because the worker closed it or the
///   connection is gone, means cancel: the main shell gets TERM. It is no part of the command's pipeline, for dash waits for all of one.
/// - `timeout` (coreutils): puts the command into a process group of its own and ends that group at the deadline, first with TERM, after
///   the grace time with KILL. It does so whether or not anybody is still connected.
/// - `start`: the process group, so that it can be looked for from a second channel.
/// - `exit`, on both streams: all output was before it. The trailer is the only proof that the command ended.
/// - `kill -TERM 0`: ends the watcher, which is in this shell's own process group; the command's group is another.
public enum Prelude {
    static let text = [
        "read -r n || exit 125", "d=$1 g=$2 b=$3 e=$4 t=", "shift 4",
        "command -v timeout >/dev/null || { echo \"$n unsuitable timeout\" >&2; exit 125; }",
        "while [ \"$e\" -gt 0 ]; do export \"$1\"; shift; e=$((e-1)); done", "exec 3<&0",
        "f() { while read -r x <&3; do :; done; kill -TERM $$; }", "c() { t=1; kill -TERM $p 2>/dev/null; }",
        "echo \"$n begin\"", "echo \"$n begin\" >&2", "trap c TERM",
        "if [ \"$b\" = - ]; then f >/dev/null 2>&1 & timeout -k \"$g\" \"$d\" \"$@\" </dev/null 3<&- & p=$!",
        "else { head -c \"$b\" <&3; f >/dev/null 2>&1 & } | timeout -k \"$g\" \"$d\" \"$@\" 3<&- & p=$!", "fi",
        "echo \"$n start $p\" >&2", "[ -z \"$t\" ] || c", "wait $p; r=$?",
        "[ -z \"$t\" ] || { wait $p; r=$?; kill -KILL -- -$p 2>/dev/null; }", "trap \"\" TERM", "echo \"$n exit $r\"",
        "echo \"$n exit $r\" >&2", "kill -TERM 0",
    ].joined(separator: "; ")

    /// Ends a process group for certain and says whether it is gone; `read` takes the nonce as above.
    static let killText = [
        "read -r n || exit 125", "kill -KILL -- -$1 2>/dev/null", "i=0",
        "while kill -0 -- -$1 2>/dev/null; do i=$((i+1)); [ $i -lt 30 ] || { echo \"$n alive\"; exit 1; }; sleep 0.1 || sleep 1; done",
        "echo \"$n gone\"",
    ].joined(separator: "; ")

    /// The command line for one run; nil when an argument has a NUL byte.
    ///
    /// - Parameters:
    ///   - deadline: milliseconds after which the host ends the command.
    ///   - grace: milliseconds between TERM and KILL.
    ///   - body: bytes for the command's standard input; nil for none.
    static func line(arguments: [String], environment: [String], deadline: Int, grace: Int, body: Int?) -> String? {
        let head = [seconds(deadline), seconds(max(grace, 1)), body.map(String.init) ?? "-", String(environment.count)]
        return ShellQuoting.line(head + environment + arguments).map { "exec /bin/sh -c '\(text)' sallyport \($0)" }
    }

    /// The command line that ends a process group.
    static func killLine(processGroup: UInt32) -> String { "exec /bin/sh -c '\(killText)' sallyport \(processGroup)" }

    private static func seconds(_ milliseconds: Int) -> String {
        let fraction = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}
