internal import Glibc

/// A file of lines that never outgrows its size: it is emptied in place and begun anew, since a sealed process opens none.
final class TraceFile: Sendable {
    /// What became of a line.
    enum Outcome { case written, writtenAnew, lost }

    private let descriptor: Int32
    private let maximumSize: Int

    /// Makes the file for its owner and group, unless it is there, and opens it. Call before the process is sealed.
    ///
    /// - Throws: ``TraceFileError`` naming the step and the file.
    convenience init(path: String, maximumSize: Int) throws(TraceFileError) {
        // Not to wait for the other end of a pipe, which is refused below.
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let descriptor = unsafe open(path, flags, 0o640)
        guard descriptor >= 0 else {
            throw TraceFileError(step: "open", path: path, reason: unsafe String(cString: strerror(errno)))
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw TraceFileError(step: "use", path: path, reason: "it is no regular file")
        }
        self.init(descriptor: descriptor, maximumSize: maximumSize)
    }

    /// A file that is open; it is closed with this.
    init(descriptor: Int32, maximumSize: Int) {
        self.descriptor = descriptor
        self.maximumSize = maximumSize
    }

    deinit { _ = close(descriptor) }

    /// Adds all of `line`, or nothing of it. Blocks.
    func append(_ line: [UInt8]) -> Outcome {
        var status = stat()
        // Somebody else may have emptied it.
        guard unsafe fstat(descriptor, &status) == 0 else { return .lost }
        var length = Int(status.st_size)
        let isFull = length > 0 && length + line.count > maximumSize
        if isFull {
            guard ftruncate(descriptor, 0) == 0 else { return .lost }
            length = 0
        }
        guard unsafe write(descriptor, line, line.count) == line.count else {
            _ = ftruncate(descriptor, length)
            return .lost
        }
        return isFull ? .writtenAnew : .written
    }
}

/// Why there is no file for spans.
struct TraceFileError: Error, CustomStringConvertible {
    let step: String
    let path: String
    let reason: String

    var description: String { "traces: cannot \(step) \(path): \(reason)" }
}
