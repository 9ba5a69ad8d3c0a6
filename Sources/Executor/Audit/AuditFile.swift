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

    /// An empty file that was just made.
    init(made descriptor: Int32, path: String) {
        self.path = path
        self.descriptor = descriptor
        length = 0
    }

    /// Opens a file and cuts it to `length` bytes. Call before the process is sealed.
    ///
    /// - Throws: ``AuditError`` naming the step and the file.
    init(path: String, length: Int) throws(AuditError) {
        self.path = path
        self.length = length
        descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw AuditError("open", path, errno: errno) }
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

    /// Bytes of a file.
    static func length(of path: String) throws(AuditError) -> Int {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { throw AuditError("look at", path, errno: errno) }
        return Int(status.st_size)
    }
}
