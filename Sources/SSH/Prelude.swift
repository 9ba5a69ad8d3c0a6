/// The shell text that is sent with every command: it bounds the command on the host and says how it ended. Nothing is installed there
/// but what a distribution has: a POSIX shell as `/bin/sh`, and `timeout` and `head` of coreutils.
///
/// It goes through the user's login shell, whichever that is, as `exec /bin/sh -c '…' sallyport B [NAME=VALUE …] -- -k GRACE DEADLINE
/// COMMAND …`, so it has no single quote, no newline, no backslash and no `!`, and the words behind it are as ``ShellWord`` has
/// them. `B` is the length of the body, or `-` without one.
///
/// Standard input is the control input: the line `NONCE ! \`, then with a body its bytes and a newline, then nothing. **Its end means
/// cancel**, be it that the worker closed it or that the connection is gone.
///
/// On both streams `NONCE begin` comes before and `NONCE exit CODE` after all that the command itself wrote; on standard error
/// `NONCE start GROUP` says which process group it is. Only the one line `exit` on both streams proves that the command ended.
///
/// What this costs in processes: the watcher, `timeout` and the command; with a body also `head` and two shells.
public enum Prelude {
    /// Bytes a command line may have: libssh2 sends it as one packet of at most 35 000.
    static let maximumLine = 32 * 1024

    static let text = [
        // The nonce comes on the control input, so it is in no process list and no environment. The `!` is for `$!` below, which no
        // line may have: csh expands it even within quotes.
        #"read -r _n _e _k || exit 125"#,
        // Puts back what a login shell might have read in its own way: `%` and three octal digits. The backslash that printf wants
        // comes on the control input too.
        #"d() { _f=$IFS; IFS=%; set -f; set -- $_a; set +f; IFS=$_f; _a=$1; shift;"#
            + #" for _w; do _r=${_w#???}; _a=$_a${_k}0${_w%"$_r"}$_r; done; _a=$(printf %b. "$_a"); _a=${_a%.}; }"#,
        #"_i=$#; while [ "$_i" -gt 0 ]; do _a=$1; shift; case $_a in *%*) d;; esac; set -- "$@" "$_a"; _i=$((_i-1)); done"#,
        #"_b=$1; shift"#,
        #"command -v timeout >/dev/null || { echo "$_n unsuitable timeout" >&2; exit 125; }"#,
        // Cancel: `timeout` passes TERM on to the group it made, and KILL after the grace time. Before it has made one it is still a shell,
        // which would swallow the signal.
        #"c() { _t=1; [ -n "$_p" ] || return 0; _i=0; until kill -s 0 -- "-$_p" || [ "$_i" -ge 20 ]; do _i=$((_i+1)); sleep 0.1 || sleep 1; done;"#
            + #" kill -TERM "$_p"; } 2>/dev/null"#,
        // The watcher: waits for the end of the control input and then tells this shell's own process group, in which no stranger can
        // be while the watcher is. It holds no output open.
        #"w() { exec >&- 2>&-; while read -r _x <&3; do :; done; trap "" USR1; kill -USR1 0; }"#,
        // The command, with descriptor 4 as its standard input.
        #"m() { _t=; _p=; trap c TERM USR1; echo "$_n begin"; echo "$_n begin" >&2"#,
        // The environment is set in the child alone, where no name can clash with this text's own. `timeout` puts itself and the
        // command into a new process group and bounds it whether or not anybody is still connected.
        #"{ until [ "$1" = -- ]; do export "$1"; shift; done; shift; exec timeout "$@"; } <&4 3<&- 4<&- &"#
            + #" eval "_p=$"$_e; echo "$_n start $_p" >&2"#,
        #"if [ "$_b" = - ]; then w & fi"#,
        // Cancelled before the process was known.
        #"[ -z "$_t" ] || c"#,
        // A shell's own remark about a killed process is not the command's output.
        #"wait "$_p" 2>/dev/null; _r=$?"#,
        // Cancel interrupts the first wait; 127 says that it had ended already. What ignores TERM in the background goes too.
        #"[ -z "$_t" ] || { wait "$_p"; _s=$?; [ "$_s" = 127 ] || _r=$_s; kill -s KILL -- "-$_p"; } 2>/dev/null"#,
        // The trailer must come out even if one stream is closed already.
        #"trap "" TERM USR1 PIPE; echo "$_n exit $_r"; echo "$_n exit $_r" >&2"#,
        // Ends the watcher, which is in this shell's group; the command's group is another. One that slips through ends with the
        // control input.
        #"kill -TERM 0; }"#,
        #"exec 3<&0"#,
        #"if [ "$_b" = - ]; then exec 4</dev/null; m "$@""#,
        // With a body: exactly its bytes go to the command, and the end of them only when the newline after it has come. A body that was
        // cut off must not look whole: then its pipe is held open until the command is ended. All of the command's shell is one side of
        // the pipe, for a shell that waits for a pipeline would also wait for a body that nobody reads.
        #"else trap : TERM USR1; { head -c "$_b" <&3; if read -r _x <&3; then w; else trap "" USR1; kill -USR1 0; exec sleep 9; fi; }"#
            + #" | { exec 4<&0; m "$@"; }"#,
        #"fi"#,
    ].joined(separator: "; ")

    /// Ends a process group for certain and says whether it is gone; the nonce comes as above.
    ///
    /// Only "no such process" counts as gone: what another user runs in the group (sudo) cannot be ended from here and is not gone.
    /// dash takes a negative number only after `-s NAME --`. `sleep` of some hosts knows whole seconds only.
    static let killText = [
        #"read -r _n || exit 125"#, #"LC_ALL=C"#, #"kill -s KILL -- "-$1" 2>/dev/null"#, #"_i=0"#,
        #"until [ "$_i" -ge 30 ]; do case $(kill -s 0 -- "-$1" 2>&1) in *"o such process"*) echo "$_n gone"; exit 0;; esac"#,
        #"_i=$((_i+1)); sleep 0.1 || sleep 1; done"#, #"echo "$_n alive""#,
    ].joined(separator: "; ")

    /// The command line for one run.
    ///
    /// - Parameters:
    ///   - deadline: milliseconds after which the host ends the command; 0 would mean never to timeout(1) and counts as 1.
    ///   - grace: milliseconds between TERM and KILL, at least 1 likewise.
    ///   - body: bytes for the command's standard input; nil for none.
    /// - Throws: ``PreludeError`` for what no shell can be told, or what is too long.
    static func line(
        arguments: [String], environment: [String], deadline: Int, grace: Int, body: Int?
    ) throws(PreludeError) -> String {
        guard let command = arguments.first, !command.isEmpty else { throw PreludeError("the command is empty") }
        for variable in environment where !isAssignment(variable) {
            throw PreludeError("\(variable.prefix(64).debugDescription) is not of the form NAME=value")
        }
        let words =
            [body.map(String.init) ?? "-"] + environment + ["--", "-k", seconds(max(grace, 1)), seconds(max(deadline, 1))]
            + arguments
        let quoted = words.compactMap(ShellWord.quoted)
        guard quoted.count == words.count else { throw PreludeError("an argument or variable has a NUL byte") }
        let line = "exec /bin/sh -c '\(text)' sallyport \(quoted.joined(separator: " "))"
        guard line.utf8.count <= maximumLine else {
            throw PreludeError(
                "quoted for a shell the command has \(line.utf8.count) bytes, the limit is \(maximumLine); pass what is long in the body"
            )
        }
        return line
    }

    /// The first line of the control input.
    static func firstLine(nonce: String) -> [UInt8] { Array("\(nonce) ! \\\n".utf8) }

    /// The command line that ends a process group.
    static func killLine(processGroup: UInt32) -> String { "exec /bin/sh -c '\(killText)' sallyport \(processGroup)" }

    /// `export` of anything else would end the shell (IEEE 1003.1, 3.230).
    private static func isAssignment(_ variable: String) -> Bool {
        let name = variable.utf8.prefix { $0 != UInt8(ascii: "=") }
        guard name.count < variable.utf8.count, let first = name.first, !(0x30...0x39).contains(first) else { return false }
        return name.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x5f, 0x61...0x7a: true
            default: false
            }
        }
    }

    private static func seconds(_ milliseconds: Int) -> String {
        let fraction = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}

/// Why a command cannot be sent as it is; a matter of the policy, not of the host.
struct PreludeError: Error {
    let message: String
    init(_ message: String) { self.message = message }
}
