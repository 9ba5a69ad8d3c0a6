internal import Glibc

/// What both halves say about Unix sockets.
extension SettingsNode {
    /// Bytes a socket path may have (unix(7)).
    public static let maximumSocketPath = 107

    /// The path of a Unix socket.
    public func socketPath() -> String? {
        guard let path = filePath() else { return nil }
        guard path.utf8.count <= Self.maximumSocketPath else {
            return refused(
                "the socket path \(path) has \(path.utf8.count) bytes, the system's limit is \(Self.maximumSocketPath)")
        }
        return path
    }

    /// User ids of peers. The overflow id stands for everybody whom this user namespace does not know, and is refused.
    public func uids() -> Set<UInt32>? {
        guard isPresent else { return nil }
        let list = elements().compactMap { $0.int(in: 0...Int(UInt32.max) - 1).map { UInt32($0) } }
        if list.contains(65534) { problem("65534 is every user this namespace does not know; give the process a uid of its own") }
        if list.isEmpty { problem("at least one uid is needed") }
        return Set(list)
    }
}

/// The effective user id of this process, as it was when it was first asked for: a sealed process that reads its settings again may not
/// ask the kernel.
public func ownUID() -> UInt32 { firstUID }

private let firstUID = geteuid()
