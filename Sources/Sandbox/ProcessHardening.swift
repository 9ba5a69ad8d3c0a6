internal import CLinux
internal import Glibc

/// What every process of ours gives up before it reads a setting.
public enum ProcessHardening {
    /// Closes what whoever started this process had open and did not mean to hand over: a key file, perhaps. Sockets that a service
    /// manager handed over stay (sd_listen_fds(3)). Call before anything is opened.
    public static func closeInherited() {
        func number(_ name: String) -> Int32? { unsafe getenv(name).flatMap { unsafe Int32(String(cString: $0)) } }
        let sockets = number("LISTEN_PID") == getpid() ? number("LISTEN_FDS") ?? 0 : 0
        sallyport_close_from(3 + max(0, min(sockets, 1024)))
    }

    /// Applies all steps, in order: crash handlers back to the kernel, no core dumps, not dumpable, no new privileges, no capabilities,
    /// files for the owner only. Call first thing in `main`, while there is one thread.
    ///
    /// - Throws: ``HardeningError`` naming the step; the process must then end.
    public static func apply() throws(HardeningError) {
        try step("reset crash signals", sallyport_reset_crash_signals())
        try step("set RLIMIT_CORE to 0", sallyport_no_core_dumps())
        try step("raise RLIMIT_NOFILE", sallyport_all_descriptors())
        try step("set PR_SET_DUMPABLE to 0", sallyport_not_dumpable())
        try step("set PR_SET_NO_NEW_PRIVS", sallyport_no_new_privileges())
        try step("drop capabilities", sallyport_drop_capabilities())
        umask(0o077)
        // libdispatch would tell syslog of what the seal refuses it, over and over.
        unsafe setenv("LIBDISPATCH_LOG", "NO", 1)
    }

    /// Descriptors this process may have.
    public static var descriptorLimit: Int { Int(sallyport_descriptor_limit()) }

    /// Ends this process when its parent, which must be `parent`, ends.
    public static func follow(parent: Int32) throws(HardeningError) {
        try step("follow the parent process", sallyport_follow_parent(SIGTERM, parent))
    }

    /// Neighbours with the same user id may read this process's memory.
    static var isDumpable: Bool { sallyport_is_dumpable() != 0 }

    /// What the end of the parent process sends; 0 when nothing.
    static var parentDeathSignal: Int32 { sallyport_parent_death_signal() }

    private static func step(_ name: String, _ result: Int32) throws(HardeningError) {
        guard result == 0 else { throw HardeningError(step: name, errno: -result) }
    }
}

/// A step of hardening that the kernel refused.
public struct HardeningError: Error, CustomStringConvertible {
    let step: String
    let errno: Int32

    /// Names the step and the reason.
    public var description: String {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return "cannot \(step): \(reason)"
    }
}
