internal import Glibc

/// Which files stand at some paths now. Landlock's rules are for these: another file that is put in the place of one is none of them.
public struct FileIdentities: Sendable, Equatable {
    private struct Identity: Equatable {
        let device: UInt64
        let inode: UInt64
    }

    private let paths: [String]
    private let identities: [Identity?]

    /// Looks at each path, through symbolic links.
    public init(_ paths: [String]) {
        self.paths = paths
        identities = paths.map { path in
            var status = stat()
            guard unsafe fstatat(AT_FDCWD, path, &status, 0) == 0 else { return nil }
            return Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        }
    }

    /// Other files are there now, or one is gone or has come.
    public var areReplaced: Bool { self != FileIdentities(paths) }
}
