/// The shell text that bounds a command on the host and says how it ended. Nothing is installed there but what a distribution has: a POSIX
/// shell as `/bin/sh`, `timeout`, `cat`, `head` and `date` of coreutils, and `setsid` of util-linux (or `timeout` in its place).
///
/// It is started before there is a command, on a channel that waits, so that a command costs the host one `exec` and no login. It
/// goes through the user's login shell, whichever that is, as `exec /bin/sh -c '…' sallyport '…'`, so it has no single quote, no
/// newline, no backslash and no `!`, and it is the same for every command: what runs, and with which arguments, is in no process list.
///
/// Standard input is the control input: ``firstLine(nonce:)``, then once ``command(processGroup:arguments:environment:deadline:grace:body:)``
/// or ``ending(of:)``, then nothing. **Its end means cancel**, be it that the worker closed it or that the connection is gone.
///
/// On standard error `NONCE ready GROUP` names the process group that the command will have. On both streams `NONCE begin` comes
/// before and `NONCE exit CODE` after all that the command itself wrote, on standard error `NONCE timeout` when the deadline is over and
/// `NONCE cancel` when the control input is, before anything is ended for it. Only `begin` and `exit` on both streams, and neither of
/// these two, prove that the command ended by itself.
///
/// What this costs in processes: the shell, the feeder, the runner, the command, and `timeout` with `cat` while it runs.
public enum Prelude {
    /// Bytes a command's line may have: the shells read it byte by byte.
    static let maximumLine = 32 * 1024

    static let text = [
        // TMOUT would end the wait of a bash for its command.
        "set +m; unset TMOUT",
        // The nonce comes on the control input, so it is in no process list and no environment. The backslash is for printf.
        #"read -r _n _k || exit 125"#,
        #"for _w in timeout cat head date; do command -v "$_w" >/dev/null || { echo "$_n unsuitable $_w" >&2; exit 125; }; done"#,
        #"if command -v setsid >/dev/null; then _s=setsid; else _s="timeout 0"; fi"#,
        // What a shell says of a killed process is not the command's output: descriptor 5 is the real standard error.
        // The feeder: it alone reads the control input, passes on what is for the command, and ends it.
        #"f() { exec 2>&5 5>&-; echo "$_n"; read -r _w _p _d _g _b || exit 0; if [ "$_w" = kill ]; then k; exit 0; fi"#,
        #"IFS= read -r _l || exit 0; echo "$_n begin" >&4; echo "$_n begin" >&2; exec 4>&-; printf "%s${_k}n" "$_l""#,
        // Exactly its bytes go to the command, and the end of them only when the newline after it has come. A body that was cut off must
        // not look whole: then its pipe is held open until the command is ended.
        #"if [ "$_b" = - ]; then :; else _t=$(date +%s); { timeout -s KILL "$_d" head -c "$_b"; } 2>/dev/null; case $? in 124|137) e timeout;; esac"#,
        #"read -r _x || e cancel; _d=${_d%.*}; _t=$((_d-$(date +%s)+_t)); if [ "$_t" -lt 1 ]; then _d=1; elif [ "$_t" -lt "$_d" ]; then _d=$_t; fi; fi"#,
        // Waits for the end of the control input, and no longer than the deadline. It holds no output open but standard error.
        #"exec >/dev/null; { timeout -s KILL "$_d" cat; } 2>/dev/null; case $? in 124|137) e timeout;; *) e cancel;; esac; }"#,
        // Ends the group: TERM, the grace time in tenths of a second, KILL. From here on the runner does not stop it, nor does it
        // matter that nobody may be there to read the mark.
        #"e() { trap "" TERM PIPE; exec </dev/null; echo "$_n $1" >&2; { kill -s TERM -- "-$_p"; _i=0"#,
        #"while kill -s 0 "$_p" && [ "$_i" -lt "$_g" ]; do sleep 0.1 || { sleep 1; _i=$((_i+9)); }; _i=$((_i+1)); done"#,
        #"kill -s KILL -- "-$_p"; } 2>/dev/null; exit 0; }"#,
        // Ends another command's group for certain and says whether it is gone. Only "no such process" counts as gone: what another user
        // runs in the group (sudo) cannot be ended from here. dash takes a negative number only after `-s NAME --`. `sleep` of some hosts
        // knows whole seconds only.
        #"k() { LC_ALL=C; export LC_ALL; kill -s KILL -- "-$_p" 2>/dev/null; _i=0; until [ "$_i" -ge 30 ]"#,
        #"do case $(kill -s 0 -- "-$_p" 2>&1) in *"o such process"*) echo "$_n gone" >&2; exit 0;; esac"#,
        #"_i=$((_i+1)); sleep 0.1 || sleep 1; done; echo "$_n alive" >&2; }"#,
        // The runner: starts the command's shell in a process group of its own and waits for it, in the foreground, for what runs in the
        // background is deaf to INT and QUIT.
        #"r() { ( exec $_s /bin/sh -c "$1" sallyport "$_s" 2>&5 4>&- 5>&- ); _r=$?"#,
        // The feeder, which is in this shell's group, must not end a group whose leader is gone, unless it is about to. The trailer must
        // come out even if one stream is closed already.
        #"trap "" TERM PIPE; kill -s TERM 0; echo "$_n exit $_r"; echo "$_n exit $_r" >&5; }"#,
        // The runner is one side of the pipe, for a shell that waits for a pipeline would also wait for a body that nobody reads.
        #"trap : TERM; { f | r "$1"; } 4>&1 5>&2 2>/dev/null"#,
    ].joined(separator: "; ")

    /// The command's shell: says what group it leads, reads one line, becomes the command. `timeout` leads the group it runs in.
    static let commandText = [
        #"unset TMOUT; read -r _n || exit 125; case $1 in setsid) _p=$$;; *) _p=$PPID;; esac; echo "$_n ready $_p" >&2"#,
        #"IFS= read -r _l || exit 125; IFS="|"; set -f; set -- $_l; set +f; _b=$1; _k=$2; shift 2"#,
        // Puts back what may not stand in a line: `%` and three octal digits; see ``ControlWord``.
        #"d() { IFS=%; set -f; set -- $_a; set +f; _a=$1; shift;"#
            + #" for _w; do _r=${_w#???}; _a=$_a${_k}0${_w%"$_r"}$_r; done; _a=$(printf %b. "$_a"); _a=${_a%.}; }"#,
        #"case $_l in *%*) _i=$#; while [ "$_i" -gt 0 ]; do _a=$1; shift; case $_a in *%*) d;; esac; set -- "$@" "$_a"; _i=$((_i-1)); done;; esac"#,
        #"if [ "$_b" = - ]; then exec </dev/null; fi"#,
        // The environment is set last, where no name can clash with this text's own.
        #"until [ "$1" = -- ]; do export "$1"; shift; done; shift; exec "$@""#,
    ].joined(separator: "; ")

    /// The command line for every host and command.
    static let line = "exec /bin/sh -c '\(text)' sallyport '\(commandText)'"

    /// The first line of the control input.
    static func firstLine(nonce: String) -> [UInt8] { Array("\(nonce) \\\n".utf8) }

    /// The control input that runs a command; its body, where it has one, and a newline come after it.
    ///
    /// - Parameters:
    ///   - processGroup: what the prelude said when it was ready.
    ///   - deadline: milliseconds after which the host ends the command; 0 would mean never to timeout(1) and counts as 1.
    ///   - grace: milliseconds between TERM and KILL, in steps of 100.
    ///   - body: bytes for the command's standard input; nil for none.
    /// - Throws: ``PreludeError`` for what no shell can be told, or what is too long.
    static func command(
        processGroup: UInt32, arguments: [String], environment: [String], deadline: Int, grace: Int, body: Int?
    ) throws(PreludeError) -> [UInt8] {
        guard let command = arguments.first, !command.isEmpty else { throw PreludeError("the command is empty") }
        // exec(1) would take it for an option of its own.
        guard !command.hasPrefix("-") else { throw PreludeError("the command begins with a hyphen") }
        for variable in environment where !isAssignment(variable) {
            throw PreludeError("\(variable.prefix(64).debugDescription) is not of the form NAME=value")
        }
        let words = environment + ["--"] + arguments
        let encoded = words.compactMap(ControlWord.encoded)
        guard encoded.count == words.count else { throw PreludeError("an argument or variable has a NUL byte") }
        let body = body.map(String.init) ?? "-"
        let line = "\(body)|\\|\(encoded.joined(separator: "|"))\n"
        guard line.utf8.count <= maximumLine else {
            throw PreludeError(
                "encoded for a shell the command has \(line.utf8.count) bytes, the limit is \(maximumLine); pass what is long in the body"
            )
        }
        let tenths = (max(grace, 1) + 99) / 100
        return Array("run \(processGroup) \(seconds(max(deadline, 1))) \(tenths) \(body)\n\(line)".utf8)
    }

    /// The control input that ends a process group for certain; `NONCE gone` or `NONCE alive` on standard error answers it.
    static func ending(of processGroup: UInt32) -> [UInt8] { Array("kill \(processGroup)\n".utf8) }

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
