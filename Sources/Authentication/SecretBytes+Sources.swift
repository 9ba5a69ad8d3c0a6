internal import CLinux
internal import Glibc

extension SecretBytes {
    /// Bytes a secret file may have.
    public static let maximumFile = 64 * 1024

    /// Reads a secret file, straight into the secret's own memory.
    ///
    /// - Parameter isShared: its folders may be writable by a group, as a person's often are by a group of their own.
    /// - Throws: ``AuthenticationError`` naming the file and what to do, when it is no regular file, empty, larger than `limit`,
    ///   readable or writable by others, or owned by a stranger, or when one of the folders on the way to it is writable by others or a
    ///   stranger's.
    public static func read(
        file path: String, limit: Int = maximumFile, isShared: Bool = true
    ) throws(AuthenticationError) -> SecretBytes {
        guard let view = FileView.current else { return try readFromDisk(path, limit: limit, isShared: isShared) }
        if view.isRecording {
            do throws(AuthenticationError) {
                let secret = try readFromDisk(path, limit: limit, isShared: isShared)
                view.record(.secret, path, .bytes(secret))
                return secret
            } catch {
                view.record(.secret, path, .failure(error.message))
                throw error
            }
        }
        switch view.content(.secret, path) {
        case .bytes(let secret): return secret
        case .failure(let message): throw AuthenticationError(.unreadable, message)
        }
    }

    private static func readFromDisk(_ path: String, limit: Int, isShared: Bool) throws(AuthenticationError) -> SecretBytes {
        var mode: UInt32 = 0
        var owner: UInt32 = 0
        var group: UInt32 = 0
        var size: Int64 = 0
        let descriptor = unsafe sallyport_secret_open(path, &mode, &owner, &group, &size)
        guard descriptor >= 0 else { throw unreadable("secret file \(path)", error: -descriptor) }
        defer { close(descriptor) }
        try checkFile(path, mode: mode, owner: owner)
        try checkFolders(of: path, isShared: isShared)
        guard size > 0 else { throw AuthenticationError(.emptySecret, "secret file \(path) is empty") }
        guard size <= limit else {
            throw AuthenticationError(.tooLarge, "secret file \(path) has \(size) bytes, the limit is \(limit)")
        }
        var got = 0
        let secret = unsafe SecretBytes(count: Int(size)) { buffer in
            while got < buffer.count {
                let count = unsafe Glibc.read(descriptor, buffer.baseAddress?.advanced(by: got), buffer.count - got)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                got += count
            }
        }
        var more: UInt8 = 0
        guard got == Int(size), unsafe Glibc.read(descriptor, &more, 1) == 0 else {
            throw AuthenticationError(.unreadable, "secret file \(path) could not be read whole, it changed meanwhile")
        }
        guard !secret.isBlank else {
            throw AuthenticationError(.emptySecret, "secret file \(path) holds nothing but white space")
        }
        return secret
    }

    /// Takes a secret from the environment and removes it there, so that no child and no dump of the environment has it: whoever
    /// needs it again keeps it.
    ///
    /// - Throws: ``AuthenticationError`` when the variable is not set, empty, or nothing but white space.
    public static func fromEnvironment(_ name: String) throws(AuthenticationError) -> SecretBytes {
        guard let value = unsafe getenv(name) else {
            throw AuthenticationError(.emptySecret, "environment variable \(name) is not set")
        }
        let length = unsafe strlen(value)
        let secret = unsafe SecretBytes(copying: UnsafeRawBufferPointer(start: value, count: length))
        guard !secret.isBlank else { throw AuthenticationError(.emptySecret, "environment variable \(name) is empty") }
        // The kernel shows the initial environment in /proc/self/environ, from this very memory.
        unsafe explicit_bzero(value, length)
        unsafe unsetenv(name)
        return secret
    }

    private static func unreadable(_ what: String, error: Int32) -> AuthenticationError {
        let reason = unsafe strerror(error).map { unsafe String(cString: $0) } ?? "error \(error)"
        return AuthenticationError(.unreadable, "\(what): \(reason)")
    }

    /// Refuses a file by what fstat(2) says of it, for a process of the effective user `user`.
    static func checkFile(
        _ path: String, mode: UInt32, owner: UInt32, user: UInt32 = geteuid()
    ) throws(AuthenticationError) {
        guard mode & S_IFMT == S_IFREG else { throw AuthenticationError(.unsafeFile, "secret file \(path) is no regular file") }
        let octal = String(mode & 0o7777, radix: 8)
        guard owner == 0 || owner == user else {
            throw AuthenticationError(
                .unsafeFile,
                "secret file \(path), mode \(octal), belongs to uid \(owner); run: chown \(user) \(path)")
        }
        // A group that may read is how Kubernetes and systemd hand root's files to a service; on one's own file it is a mistake.
        let forbidden: UInt32 = owner == 0 ? 0o037 : 0o077
        guard mode & forbidden == 0 else {
            throw AuthenticationError(
                .unsafeFile, "secret file \(path) of uid \(owner) has mode \(octal), others may use it; run: chmod 600 \(path)")
        }
    }

    /// Every folder on the way, as it is written: who may write in one of them, or owns it, may put another file in this one's place.
    private static func checkFolders(of path: String, isShared: Bool) throws(AuthenticationError) {
        var place = path
        while true {
            var mode: UInt32 = 0
            var owner: UInt32 = 0
            let result = unsafe sallyport_parent_mode(place, &mode, &owner)
            guard result == 0 else { throw unreadable("a folder of secret file \(path)", error: -result) }
            let slash = place.lastIndex(of: "/")
            let folder = slash.map { $0 == place.startIndex ? "/" : String(place[..<$0]) } ?? "."
            try checkFolder(folder, of: path, mode: mode, owner: owner, isShared: isShared)
            guard slash != nil, folder != "/" else { return }
            place = folder
        }
    }

    /// Refuses a folder by what stat(2) says of it, for a process of the effective user `user`.
    static func checkFolder(
        _ folder: String, of path: String, mode: UInt32, owner: UInt32, isShared: Bool, user: UInt32 = geteuid()
    ) throws(AuthenticationError) {
        guard owner == 0 || owner == user else {
            throw AuthenticationError(
                .unsafeFile,
                "folder \(folder) of secret file \(path) belongs to uid \(owner), who may replace files in it; run: chown \(user) \(folder)"
            )
        }
        // In a sticky folder, such as a mounted Kubernetes secret's, nobody can replace a file of another.
        guard mode & UInt32(S_ISVTX) == 0 else { return }
        let bits = [mode & 0o002 != 0 ? "o-w" : nil, mode & 0o020 != 0 && !isShared ? "g-w" : nil].compactMap { $0 }
        guard !bits.isEmpty else { return }
        throw AuthenticationError(
            .unsafeFile,
            "folder \(folder) of secret file \(path) has mode \(String(mode & 0o7777, radix: 8)), others may replace files in it; "
                + "run: chmod \(bits.joined(separator: ",")) \(folder)")
    }
}
