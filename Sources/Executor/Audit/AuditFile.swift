internal import Audit
internal import Glibc

/// A file of the log that is only ever added to. Its calls block.
struct AuditFile: Sendable {
    let path: String
    private let descriptor: Int32
    /// Bytes that stand in it.
    private(set) var length: Int
    /// A write has failed and left something behind.
    private var needsTrim = false

    /// Opens a file, or makes it where it must not be there yet, and cuts it to `length` bytes.
    ///
    /// - Throws: ``AuditError`` naming the step and the file.
    init(path: String, isNew: Bool, length: Int) throws(AuditError) {
        self.path = path
        self.length = length
        let flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (isNew ? O_CREAT | O_EXCL : 0)
        descriptor = unsafe open(path, flags, 0o600)
        guard descriptor >= 0 else { throw AuditError(isNew ? "make" : "open", path, errno: errno) }
        guard try Self.length(of: path) == length || ftruncate(descriptor, length) == 0 else {
            throw AuditError("shorten", path, errno: errno)
        }
    }

    /// Adds all of `bytes`, or nothing of it.
    mutating func append(_ bytes: [UInt8]) throws(AuditError) {
        if needsTrim {
            guard ftruncate(descriptor, length) == 0 else { throw AuditError("shorten", path, errno: errno) }
            needsTrim = false
        }
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe write(descriptor, $0.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let reason = errno
                needsTrim = ftruncate(descriptor, length) != 0
                throw AuditError("write", path, errno: reason)
            }
            done += count
        }
        length += bytes.count
    }

    /// Returns when all of it is on the disk.
    func sync() throws(AuditError) {
        guard fdatasync(descriptor) == 0 else { throw AuditError("write to disk", path, errno: errno) }
    }

    /// Takes the file away.
    func remove() throws(AuditError) {
        close()
        guard unsafe unlink(path) == 0 else { throw AuditError("remove", path, errno: errno) }
    }

    /// Not used any more.
    func close() { _ = Glibc.close(descriptor) }

    /// Returns when a folder's entries are on the disk.
    static func syncFolder(_ path: String) throws(AuditError) {
        let folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw AuditError("open the folder", path, errno: errno) }
        defer { _ = Glibc.close(folder) }
        guard fsync(folder) == 0 else { throw AuditError("write to disk", path, errno: errno) }
    }

    /// Bytes of a file.
    static func length(of path: String) throws(AuditError) -> Int {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { throw AuditError("look at", path, errno: errno) }
        return Int(status.st_size)
    }

    /// Makes the folder for its owner alone, unless it is there. Call before the process is sealed.
    ///
    /// - Throws: ``AuditError`` when it cannot be made, or others may write to it.
    static func prepareFolder(_ path: String) throws(AuditError) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw AuditError("make the folder", path, errno: errno) }
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw AuditError("look at", path, errno: errno) }
        guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw AuditError("\(path): it must belong to the executor's user, and nobody else may write to it")
        }
    }
}
