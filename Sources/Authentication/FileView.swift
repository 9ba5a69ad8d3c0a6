internal import Synchronization

/// The files that reading settings needs, read elsewhere: a sealed process opens none, so a helper records what the settings read, and
/// the process reads the same settings from that record.
///
/// Everything in this module and in `Settings` that reads a file asks ``current`` first.
public final class FileView: Sendable {
    /// What the readers of this task use instead of the disk; nil for the disk itself.
    @TaskLocal public static var current: FileView?

    /// How a file is read: a secret is checked for who else could read it.
    public enum Kind: UInt8, Sendable {
        case text = 0
        case secret = 1
    }

    /// What reading a file came to.
    public enum Content: Sendable {
        case bytes(SecretBytes)
        /// In words, without the path.
        case failure(String)
    }

    private struct Key: Hashable {
        let kind: Kind
        let path: String
    }

    private let files: Mutex<[Key: Content]>
    private let records: Bool

    /// An empty record, to be filled from the disk as files are read.
    public init() {
        files = Mutex([:])
        records = true
    }

    /// Files that were read elsewhere; others are not there.
    public init(_ entries: [(kind: Kind, path: String, content: Content)]) {
        files = Mutex(Dictionary(entries.map { (Key(kind: $0.kind, path: $0.path), $0.content) }) { first, _ in first })
        records = false
    }

    /// What has been recorded, in no order.
    public var entries: [(kind: Kind, path: String, content: Content)] {
        files.withLock { $0.map { ($0.key.kind, $0.key.path, $0.value) } }
    }

    /// True when this is a record that is being made.
    public var isRecording: Bool { records }

    /// The file as it was read elsewhere.
    public func content(_ kind: Kind, _ path: String) -> Content {
        files.withLock { $0[Key(kind: kind, path: path)] } ?? .failure("was not read; send SIGHUP again")
    }

    /// Notes what reading came to.
    public func record(_ kind: Kind, _ path: String, _ content: Content) {
        files.withLock { $0[Key(kind: kind, path: path)] = content }
    }
}
