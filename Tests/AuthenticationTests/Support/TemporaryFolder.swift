import Glibc

/// A folder that is removed with its files when the test is over.
final class TemporaryFolder {
    let path: String
    private var files: [String] = []

    init() throws {
        var template = Array("/tmp/sallyport-secrets-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw Failure(step: "mkdtemp", number: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for file in files { unsafe unlink(file) }
        unsafe rmdir(path)
    }

    /// Writes a file with this mode and owner, and returns its path.
    func write(_ bytes: [UInt8], mode: mode_t = 0o600, owner: uid_t? = nil) throws -> String {
        let file = "\(path)/\(files.count)"
        let descriptor = unsafe open(file, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw Failure(step: "open \(file)", number: errno) }
        defer { close(descriptor) }
        files.append(file)
        if let owner, fchown(descriptor, owner, gid_t.max) < 0 { throw Failure(step: "chown \(file)", number: errno) }
        guard fchmod(descriptor, mode) == 0 else { throw Failure(step: "chmod \(file)", number: errno) }
        guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw Failure(step: "write \(file)", number: errno)
        }
        return file
    }

    func setMode(_ mode: mode_t) throws {
        guard unsafe chmod(path, mode) == 0 else { throw Failure(step: "chmod \(path)", number: errno) }
    }

    struct Failure: Error {
        let step: String
        let number: Int32
    }
}
