internal import Authentication

/// The shell text that runs a command in a transient scope of the host's systemd and ends that scope as a whole, what has left the command's
/// process group (`setsid`) included. It stands around the command; the prelude and commands without it know nothing of it.
///
/// The scope's name comes from the prelude's nonce by a hash, so it names nobody else's unit and does not tell the nonce. The nonce
/// itself is handed over in the environment, which other users of the host cannot read, and taken out of it before the command.
///
/// A watcher in a session of its own lives as long as the command's shell, however that ends: at the command's own end, when the prelude
/// ends the group, when the connection is gone. It then kills the scope and waits until its cgroup is empty; only after that is the
/// command's exit code told. systemd itself ends the scope a little after the deadline, should all of these be killed.
enum SystemdUnit {
    /// The variable the nonce comes in.
    private static let variable = "_sallyport"
    /// Seconds after deadline and grace at which systemd ends the scope by itself.
    private static let patience = 10

    static func name(nonce: String) -> String {
        "sallyport-" + Hex.encode(SHA256.hash(Array("unit \(nonce)".utf8)).prefix(16)) + ".scope"
    }

    /// The command in the scope.
    ///
    /// - Parameter limit: milliseconds of deadline and grace together.
    static func arguments(_ arguments: [String], nonce: String, limit: Int) -> [String] {
        ["/bin/sh", "-c", text, "sallyport", name(nonce: nonce), "\((limit + 999) / 1000 + patience)", inner, watcher] + arguments
    }

    static func environment(_ environment: [String], nonce: String) -> [String] { environment + ["\(variable)=\(nonce)"] }

    /// A command that kills a scope and the process group, and says `gone` or `alive` of both with the nonce of its own prelude.
    static func ending(of nonce: String, processGroup: UInt32) -> [String] {
        ["/bin/sh", "-c", end, "sallyport", name(nonce: nonce), "\(processGroup)"]
    }

    /// Whose systemd: root's is the system's. A login without PAM has no word on where its own is.
    private static let mode = [
        #"if [ "$(id -u)" = 0 ]; then _m=--system; else _m=--user"#,
        #"XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}; export XDG_RUNTIME_DIR; fi"#,
    ].joined(separator: "; ")

    /// `k` kills the scope; `g` is true when it is certain that nothing of it is left: systemd answers that it is not active, and its cgroup is
    /// gone or has no process in it or below it.
    private static let tools = [
        #"k() { systemctl "$_m" kill --signal=KILL "$_u" 2>/dev/null; }"#,
        #"g() { _a=$(systemctl "$_m" show --property=ActiveState --value "$_u" 2>/dev/null) || return 1"#,
        #"case $_a in inactive|failed) ;; *) _c=$(systemctl "$_m" show --property=ControlGroup --value "$_u" 2>/dev/null);; esac"#,
        #"for _f in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do if [ -n "$_c" ] && [ -d "$_f$_c" ]; then"#
            + #" if [ -r "$_f$_c/cgroup.events" ]; then case $(cat "$_f$_c/cgroup.events") in *"populated 1"*) return 1;; esac"#
            + #"; elif [ -n "$(cat "$_f$_c/cgroup.procs" 2>/dev/null)" ]; then return 1; fi; fi; done"#,
        #"case $_a in inactive|failed) return 0;; esac; [ -n "$_c" ]; }"#,
        #"w() { _c=; _i=0; until g; do [ "$_i" -lt 50 ] || return 1; k; _i=$((_i+1)); sleep 0.1; done; }"#,
    ].joined(separator: "; ")

    /// `$1` the scope, `$2` seconds, `$3` ``inner``, `$4` ``watcher``, then the command. The write end of the pipe is in this shell and its left
    /// side alone. TERM is for the command; its shells wait for it.
    private static let text = [
        #"_u=$1; _t=$2; _x=$3; _w=$4; shift 4"#,
        #"for _p in systemd-run systemctl setsid id; do command -v "$_p" >/dev/null || { echo "no $_p on its PATH" >&2; exit 125; }; done"#,
        mode,
        #"trap : TERM; exec 7>&1"#,
        #"{ trap : TERM; systemd-run "$_m" --scope --quiet --collect --unit="$_u" --property=RuntimeMaxSec="$_t" --"#
            + #" /bin/sh -c "$_x" sallyport "$@" >&7 7>&-; echo "$?"; } | setsid /bin/sh -c "$_w" sallyport "$_u" "$_m" 7>&-"#,
    ].joined(separator: "; ")

    /// In the scope: says so, and becomes the command.
    private static let inner = #"_n=$_sallyport; unset _sallyport; echo "$_n unit" >&2; exec "$@""#

    /// Without an exit code nobody is there to be told anything, and the channel must not be held open.
    private static let watcher = [
        #"unset _sallyport; _u=$1; _m=$2; read -r _r || { _r=125; exec 2>/dev/null; }; exec >/dev/null"#, tools,
        #"w || echo "sallyport: the unit $_u cannot be ended" >&2; exit "$_r""#,
    ].joined(separator: "; ")

    private static let end = [
        #"_n=$_sallyport; unset _sallyport; LC_ALL=C; export LC_ALL; _u=$1; _p=$2"#, mode, tools,
        #"kill -s KILL -- "-$_p" 2>/dev/null; if w; then _i=0; until [ "$_i" -ge 30 ]"#,
        #"do case $(kill -s 0 -- "-$_p" 2>&1) in *"o such process"*) echo "$_n gone" >&2; exit 0;; esac"#,
        #"_i=$((_i+1)); sleep 0.1; done; fi; echo "$_n alive" >&2"#,
    ].joined(separator: "; ")
}
