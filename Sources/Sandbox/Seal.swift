/// Seals a process in two steps: files and ports while there is one thread, system calls when all threads are there.
///
/// There is no way to leave one out. What the kernel does not have is reported, and refused where the settings ask for more.
public struct Seal: Sendable {
    private let filter: SystemCallFilter
    /// The version of Landlock that was reached; 0 when the kernel has none.
    public let landlock: Int

    /// The first step. Call on the only thread, when all files are read and all listeners are bound.
    ///
    /// - Parameter minimumLandlock: the settings' `minimum-landlock`; 0 when they do not say.
    /// - Throws: ``SandboxError``; the process must then end.
    public init(_ profile: SandboxProfile, files: FileAccess, minimumLandlock: Int) throws(SandboxError) {
        guard let architecture = SystemCallFilter.Architecture.native else {
            throw SandboxError("filter system calls on this machine: neither x86_64 nor aarch64", errno: 0)
        }
        filter = try SystemCallFilter(profile, for: architecture)
        try filter.probe()
        landlock = try files.apply()
        guard landlock >= minimumLandlock else {
            throw SandboxError(
                "start: the settings ask for Landlock \(minimumLandlock), this kernel has \(landlock); take a newer kernel or lower `minimum-landlock`",
                errno: 0)
        }
    }

    /// The only step of a helper that reads files for a sealed process. Call on the only thread.
    public static func confine(_ profile: SandboxProfile) throws(SandboxError) {
        guard let architecture = SystemCallFilter.Architecture.native else {
            throw SandboxError("filter system calls on this machine: neither x86_64 nor aarch64", errno: 0)
        }
        try SystemCallFilter(profile, for: architecture).load()
    }

    /// The second step: from now on a system call outside the profile ends the process.
    public func close() throws(SandboxError) { try filter.load() }
}
