import Foundation
public import Glibc
import Synchronization

/// A folder that is removed with what stands in it when the test is over.
public final class TemporaryFolder: Sendable {
    /// Its path, short enough for a socket in it.
    public let path: String
    private let files = Atomic(0)

    /// A new one that only this user can enter.
    public init() throws {
        var template = Array("/tmp/sallyport-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestBedError("mkdtemp: error \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    public func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
        try write(name, Array(text.utf8), mode: mode)
    }

    /// Writes a file and returns its path.
    public func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o600, owner: uid_t? = nil) throws -> String {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw TestBedError("open \(file): error \(errno)") }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw TestBedError("write \(file): error \(errno)")
        }
        if let owner, fchown(descriptor, owner, gid_t.max) < 0 { throw TestBedError("chown \(file): error \(errno)") }
        guard fchmod(descriptor, mode) == 0 else { throw TestBedError("chmod \(file): error \(errno)") }
        return file
    }

    /// Writes a file of any name and returns its path.
    public func write(_ bytes: [UInt8], mode: mode_t = 0o600, owner: uid_t? = nil) throws -> String {
        try write("\(files.add(1, ordering: .relaxed).newValue)", bytes, mode: mode, owner: owner)
    }

    /// Sets the folder's own mode.
    public func setMode(_ mode: mode_t) throws {
        guard chmod(path, mode) == 0 else { throw TestBedError("chmod \(path): error \(errno)") }
    }
}
