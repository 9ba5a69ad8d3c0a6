internal import Audit
internal import Glibc
internal import Sandbox

/// The log's folder, by its descriptor: under the seal too, the log's next file can be made in it.
final class AuditDirectory: Sendable {
    let path: String
    private let descriptor: Int32

    /// Makes the folder for its owner alone, unless it is there, and opens it. Call before the process is sealed.
    ///
    /// - Parameter number: the descriptor that the sandbox's rules name; nil in a process that is not sealed.
    /// - Throws: ``AuditError`` when it cannot be made, or others may write to it.
    init(path: String, number: Int32?) throws(AuditError) {
        self.path = path
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw AuditError("make the folder", path, errno: errno) }
        let opened = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw AuditError("open the folder", path, errno: errno) }
        defer { _ = close(opened) }
        var status = stat()
        guard unsafe fstat(opened, &status) == 0 else { throw AuditError("look at", path, errno: errno) }
        guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw AuditError("\(path): it must belong to the executor's user, and nobody else may write to it")
        }
        descriptor = fcntl(opened, F_DUPFD_CLOEXEC, number ?? 0)
        guard descriptor >= 0, number == nil || descriptor == number else {
            throw AuditError("\(path): descriptor \(number ?? 0) is taken or beyond `ulimit -n`")
        }
    }

    deinit { _ = close(descriptor) }

    /// Makes a file that is not there yet.
    func make(_ name: String) throws(AuditError) -> AuditFile {
        let file = unsafe openat(descriptor, name, Int32(SandboxProfile.newFile), 0o600)
        guard file >= 0 else { throw AuditError("make", "\(path)/\(name)", errno: errno) }
        return AuditFile(made: file, path: "\(path)/\(name)")
    }

    /// Makes the file that follows on the records of `tree`. When it fails, there is none.
    func makeSegment(origin: String, after tree: MerkleFrontier) throws(AuditError) -> AuditFile {
        let segment = AuditSegment(origin: origin, before: tree)
        var file = try make(segment.name)
        do throws(AuditError) {
            try file.append(segment.head + [0x0a])
            try file.sync()
            try sync()
        } catch {
            try? file.remove()
            throw error
        }
        return file
    }

    /// Returns when the folder's entries are on the disk.
    func sync() throws(AuditError) {
        guard fsync(descriptor) == 0 else { throw AuditError("write to disk", path, errno: errno) }
    }
}
