/// Variables that do more than hold a value for the command.
enum EnvironmentNames {
    /// Variables of the host's shell itself, which sets them just before it becomes the command: some are read-only and end it (`UID` of
    /// bash, `OPTIND=abc` of dash), the others change what it does or make it read a file.
    private static let shell: Set<String> = [
        "BASHOPTS", "BASH_ENV", "BASH_VERSINFO", "BASH_XTRACEFD", "EGID", "ENV", "EUID", "GID", "HISTCMD", "IFS", "LINENO",
        "OPTARG",
        "OPTIND", "PPID", "PS4", "RANDOM", "SECONDS", "SHELLOPTS", "SHLVL", "TMOUT", "UID", "_",
    ]

    /// Variables through which a program loads code or finds other programs: an operator may set them, a caller may not.
    private static let loaders: Set<String> = [
        "CDPATH", "CLASSPATH", "GCONV_PATH", "GIT_SSH", "GIT_SSH_COMMAND", "GLIBC_TUNABLES", "HOME", "JAVA_TOOL_OPTIONS",
        "LOCPATH",
        "NLSPATH", "NODE_OPTIONS", "PATH", "PERL5LIB", "PERL5OPT", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "RUBYLIB",
        "RUBYOPT",
        "SHELL",
    ]

    private static func isLoader(_ name: String) -> Bool {
        loaders.contains(name) || ["LD_", "DYLD_", "GIT_CONFIG", "MALLOC_"].contains { name.hasPrefix($0) }
    }

    /// Why a job may not set the variable; nil when it may.
    ///
    /// - Parameter isFilled: a caller's parameter is in its value.
    static func problem(_ name: String, isFilled: Bool) -> String? {
        if shell.contains(name) { return "`\(name)` belongs to the host's shell, which it would change or end" }
        if isFilled, isLoader(name) {
            return "`\(name)` decides which code runs: its value must not come from the caller"
        }
        return nil
    }

    /// What `check` says of a variable that a job may set; nil for nothing.
    static func warning(_ name: String) -> String? {
        isLoader(name) ? "the environment sets \(name), which decides which code runs" : nil
    }
}
