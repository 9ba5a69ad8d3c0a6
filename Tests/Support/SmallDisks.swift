import Foundation
import Glibc
import Synchronization

/// File systems of a few MiB in memory, in a mount namespace that lives as long as this does, whatever runs on them is stopped and started.
public final class SmallDisks: Sendable {
    /// Root alone can mount.
    public static let arePossible =
        getuid() == 0 && (try? Command.run("/usr/bin/unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).code) == 0

    private static let ballast = ".ballast"
    /// Holds the namespace.
    private let keeper: Mutex<Daemon>
    private let pid: Int32

    /// A disk at each of `folders`, which are made where they are not there; one within another comes after it.
    ///
    /// - Parameter log: where it is said what went wrong.
    public init(at folders: [String], mebibytes: Int, log: URL) throws {
        let mounts = folders.map { "mkdir -p \($0) && mount -t tmpfs -o size=\(mebibytes)m,mode=700 tmpfs \($0)" }
        let daemon = Daemon(
            "/usr/bin/unshare", ["-m", "sh", "-c", "\(mounts.joined(separator: " && ")) && exec sleep 1000000"], log: log)
        try daemon.start()
        pid = daemon.pid
        let file = "/proc/\(pid)/mountinfo"
        let areThere = eventually {
            let mounted = (try? FileHandle(forReadingFrom: URL(filePath: file)).readToEnd()).map {
                String(decoding: $0, as: UTF8.self)
            }
            return folders.allSatisfy { mounted?.contains(" \($0) ") == true }
        }
        guard areThere else { throw TestBedError("no small disks: \(daemon.text)") }
        keeper = Mutex(daemon)
    }

    /// What comes before a program and its arguments to start it where the disks are.
    public var entrance: [String] { ["/usr/bin/nsenter", "-t", "\(pid)", "-m", "--"] }

    /// A path on a disk as it is reached from here.
    public func outside(_ path: String) -> String { "/proc/\(pid)/root\(path)" }

    /// Fills the disk of a folder to the last page, and again what is freed there, while `isWanted`; then makes room.
    public func fill(_ folder: String, while isWanted: () -> Bool) throws {
        let path = outside("\(folder)/\(Self.ballast)")
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw TestBedError("open \(path): error \(errno)") }
        defer {
            close(descriptor)
            unlink(path)
        }
        let block = [UInt8](repeating: 0, count: 65_536)
        while isWanted() {
            for size in [block.count, 4096, 1] { while write(descriptor, block, size) > 0 {} }
            guard errno == ENOSPC else { throw TestBedError("write \(path): error \(errno)") }
            usleep(1_000)
        }
    }
}
