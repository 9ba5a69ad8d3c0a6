internal import Glibc

/// Why something is not the audit log that it should be, or a proof proves nothing.
public struct AuditError: Error, CustomStringConvertible, Equatable, Sendable {
    /// In words, without a full stop.
    public let description: String
    /// Nothing was found out, for a file could not be read.
    public let isUnreadable: Bool

    /// Something is wrong, in these words.
    public init(_ description: String) {
        self.description = description
        isUnreadable = false
    }

    /// A system call failed.
    public init(_ step: String, _ path: String, errno: Int32) {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        description = "cannot \(step) \(path): \(reason)"
        isUnreadable = true
    }

    /// The same, with the place in front.
    func at(_ place: String) -> AuditError { isUnreadable ? self : AuditError("\(place): \(description)") }
}
