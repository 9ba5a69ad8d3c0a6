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
/// A command with a lock begins only when no earlier attempt of its job is left on the host: a file in ``lockFolder``, locked with
/// flock(1) as long as the command runs, and removed when it has ended.
///
/// What this costs in processes: the shell, the feeder, the runner, the command, and `timeout` with `cat` while it runs.
public enum Prelude {
    /// Where a user's locks are on the host, but for his name at its end.
    static let lockFolder = "/tmp/sallyport-"
    /// How long a command waits for the lock that an earlier attempt of its job has, in seconds: longer than the host takes to end one whose
    /// connection is gone, by the usual grace time, and shorter than ``LeaseRun/startLimit``.
    static let lockPatience = 10
    /// How long the host waits for the end of what it could not end (another user's, by sudo), in seconds; the lock is held until then.
    static let lockLimit = 3600
    /// Bytes a command's line may have: the shells read it byte by byte.
    static let maximumLine = 32 * 1024

    static let text = [
        // TMOUT would end the wait of a bash for its command.
        "set +m; unset TMOUT",
        // The nonce comes on the control input, so it is in no process list and no environment. The backslash is for printf, and an
        // exclamation mark for `wait`: neither may stand here.
        #"read -r _n _k _x || exit 125"#,
        #"for _w in timeout cat head date; do command -v "$_w" >/dev/null || { echo "$_n unsuitable $_w" >&2; exit 125; }; done"#,
        #"if command -v setsid >/dev/null; then _s=setsid; else _s="timeout 0"; fi"#,
        // What a shell says of a killed process is not the command's output: descriptor 5 is the real standard error.
        // The feeder: it alone reads the control input, passes on what is for the command, and ends it.
        #"f() { exec 2>&5 5>&- 6<&0; echo "$_n"; read -r _w _p _d _g _b _j || exit 0; if [ "$_w" = kill ]; then k; exit 0; fi"#,
        #"[ "$_j" = - ] || l; IFS= read -r _l || u; echo "$_n begin" >&4; echo "$_n begin" >&2; exec 4>&-; printf "%s${_k}n" "$_l""#,
        // Exactly its bytes go to the command, and the end of them only when the newline after it has come. A body that was cut off must
        // not look whole: then its pipe is held open until the command is ended.
        #"if [ "$_b" = - ]; then :; else _t=$(date +%s); b head -c "$_b"; case $? in 124|137) e timeout;; esac"#,
        #"read -r _y || e cancel; _d=${_d%.*}; _t=$((_d-$(date +%s)+_t)); if [ "$_t" -lt 1 ]; then _d=1; elif [ "$_t" -lt "$_d" ]; then _d=$_t; fi; fi"#,
        // Waits for the end of the control input, and no longer than the deadline. It holds no output open but standard error.
        #"exec >/dev/null; b cat; case $? in 124|137) e timeout;; *) e cancel;; esac; }"#,
        // Runs a program on the control input within the deadline, and so that a trap need not wait for its end.
        #"b() { { timeout -s KILL "$_d" "$@" <&6 9>&- & eval "wait $"$_x; } 2>/dev/null; }"#,
        // The lock is the feeder's, which lives as long as the command; its file goes when the runner says by TERM that this has ended, or
        // when it was ended. Who has locked a file that is gone, or another in its place, has no lock.
        #"l() { _q=\#(lockFolder)$LOGNAME; _w=flock; _i=0; if command -v flock >/dev/null; then _w=$_q; [ -d "$_q" ] || (umask 077; mkdir -p "$_q") 2>/dev/null"#,
        #"if [ -h "$_q" ]; then :; elif [ -d "$_q" ] && [ -O "$_q" ] && true 2>/dev/null 9>>"$_q/$_j"; then"#
            + #" until exec 9>>"$_q/$_j" && flock -n 9 && [ "$_q/$_j" -ef /dev/fd/9 ]"#,
        #"do if [ "$_i" -ge \#(lockPatience) ]; then echo "$_n held" >&2; exit 0; fi; _i=$((_i+1)); sleep 1; done; trap u TERM; return; fi; fi"#,
        #"echo "$_n unsuitable $_w" >&2; exit 0; }"#,
        #"u() { [ "$_j" = - ] || rm -f "$_q/$_j"; exit 0; }"#,
        // Ends the group: TERM, the grace time in tenths of a second, KILL. From here on the runner does not stop it, nor does it
        // matter that nobody may be there to read the mark.
        #"e() { trap "" TERM PIPE; exec </dev/null; echo "$_n $1" >&2; { kill -s TERM -- "-$_p"; _i=0"#,
        #"while kill -s 0 "$_p" && [ "$_i" -lt "$_g" ]; do sleep 0.1 || { sleep 1; _i=$((_i+9)); }; _i=$((_i+1)); done"#,
        #"kill -s KILL -- "-$_p"; } 2>/dev/null; [ "$_j" = - ] || w; u; }"#,
        // Holds the lock as long as there is anything left of the group.
        #"w() { LC_ALL=C; export LC_ALL; _i=0; until [ "$_i" -ge \#(lockLimit) ]"#,
        #"do case $(kill -s 0 -- "-$_p" 2>&1) in *"o such process"*) return;; esac; _i=$((_i+1)); sleep 1; done; }"#,
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
    static func firstLine(nonce: String) -> [UInt8] { Array("\(nonce) \\ !\n".utf8) }

    /// The control input that runs a command; its body, where it has one, and a newline come after it.
    ///
    /// - Parameters:
    ///   - processGroup: what the prelude said when it was ready.
    ///   - deadline: milliseconds after which the host ends the command; 0 would mean never to timeout(1) and counts as 1.
    ///   - grace: milliseconds between TERM and KILL, in steps of 100.
    ///   - body: bytes for the command's standard input; nil for none.
    ///   - lock: the name of its lock, of letters, digits and hyphens; nil for none. The host says `NONCE held` while another has it, and
    ///     `NONCE unsuitable …` where it can have none, and then there is no `begin`.
    /// - Throws: ``PreludeError`` for what no shell can be told, or what is too long.
    static func command(
        processGroup: UInt32, arguments: [String], environment: [String], deadline: Int, grace: Int, body: Int?,
        lock: String? = nil
    ) throws(PreludeError) -> [UInt8] {
        guard let command = arguments.first, !command.isEmpty else { throw PreludeError("the command is empty") }
        // exec(1) would take it for an option of its own.
        guard !command.hasPrefix("-") else { throw PreludeError("the command begins with a hyphen") }
        for variable in environment where !isAssignment(variable) {
            throw PreludeError("\(variable.prefix(64).debugDescription) is not of the form NAME=value")
        }
        guard lock?.utf8.allSatisfy(isLockByte) ?? true else { throw PreludeError("\(lock ?? "") is no name of a lock") }
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
        return Array("run \(processGroup) \(seconds(max(deadline, 1))) \(tenths) \(body) \(lock ?? "-")\n\(line)".utf8)
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

    private static func isLockByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "-"), 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: false
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
