internal import CLinux
internal import Glibc

/// Secret bytes in pages of their own: locked, left out of dumps and forks, overwritten when no longer used.
///
/// Never printed, never copied into a `String` or an array by this module.
@safe public final class SecretBytes: Sendable, CustomStringConvertible {
    /// Bytes of the secret.
    public let count: Int
    private let allocated: Int
    // Written in init only, read-only afterwards, freed in deinit.
    private nonisolated(unsafe) let memory: UnsafeMutableRawPointer  // immutable after init

    /// Copies `bytes`; the caller's copy is the caller's to wipe.
    public convenience init(copying bytes: some Collection<UInt8>) {
        unsafe self.init(count: bytes.count) { buffer in unsafe buffer.copyBytes(from: bytes) }
    }

    /// `count` bytes that `fill` writes.
    public init(count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        guard let memory = unsafe sallyport_secret_allocate(count) else { fatalError("no memory for a secret of \(count) bytes") }
        unsafe self.memory = unsafe memory
        self.count = count
        allocated = count
        unsafe fill(UnsafeMutableRawBufferPointer(start: memory, count: count))
    }

    /// Takes the first `count` bytes of another secret.
    private init(prefix count: Int, of other: SecretBytes) {
        guard let memory = unsafe sallyport_secret_allocate(count) else { fatalError("no memory for a secret of \(count) bytes") }
        unsafe memcpy(memory, other.memory, count)
        unsafe self.memory = unsafe memory
        self.count = count
        allocated = count
    }

    deinit { unsafe sallyport_secret_free(memory, allocated) }

    /// Lends the bytes; the pointer must not leave the closure.
    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        unsafe try body(UnsafeRawBufferPointer(start: memory, count: count))
    }

    /// Without one newline at the end, as text files have it.
    public func trimmingTrailingNewline() -> SecretBytes {
        var length = count
        let bytes = unsafe UnsafeRawBufferPointer(start: memory, count: count)
        if length > 0, unsafe bytes[length - 1] == 0x0a { length -= 1 }
        if length > 0, length < count, unsafe bytes[length - 1] == 0x0d { length -= 1 }
        return length == count ? self : SecretBytes(prefix: length, of: self)
    }

    /// Says that it is a secret.
    public var description: String { "[secret]" }

    /// Nothing but zero or more white space.
    public var isBlank: Bool { unsafe withUnsafeBytes { bytes in unsafe bytes.allSatisfy { [0x20, 0x09, 0x0a, 0x0d].contains($0) } } }
}

extension SecretBytes {
    /// Bytes a secret file may have.
    public static let maximumFile = 64 * 1024

    /// Reads a secret file, straight into the secret's own memory.
    ///
    /// - Throws: ``AuthenticationError`` naming the file and what to do, when it is no regular file, empty, too large, readable or
    ///   writable by others, or owned by a stranger, or when its folder is writable by others.
    public static func read(file path: String, limit: Int = maximumFile) throws(AuthenticationError) -> SecretBytes {
        var mode: UInt32 = 0
        var owner: UInt32 = 0
        var group: UInt32 = 0
        var size: Int64 = 0
        let descriptor = unsafe sallyport_secret_open(path, &mode, &owner, &group, &size)
        guard descriptor >= 0 else {
            let reason = unsafe strerror(-descriptor).map { unsafe String(cString: $0) } ?? "error \(-descriptor)"
            throw AuthenticationError(.unreadable, "secret file \(path): \(reason)")
        }
        defer { close(descriptor) }
        try check(path, mode: mode, owner: owner)
        guard size > 0 else { throw AuthenticationError(.emptySecret, "secret file \(path) is empty") }
        guard size <= limit else { throw AuthenticationError(.tooLarge, "secret file \(path) has \(size) bytes, the limit is \(limit)") }
        var got = 0
        let secret = unsafe SecretBytes(count: Int(size)) { buffer in
            while got < buffer.count {
                let count = unsafe Glibc.read(descriptor, buffer.baseAddress?.advanced(by: got), buffer.count - got)
                guard count > 0 else { break }
                got += count
            }
        }
        guard got == Int(size) else { throw AuthenticationError(.unreadable, "secret file \(path) could not be read whole") }
        guard !secret.isBlank else { throw AuthenticationError(.emptySecret, "secret file \(path) holds nothing but white space") }
        return secret
    }

    /// Takes a secret from the environment and removes it there, so that no child and no dump of the environment has it.
    ///
    /// - Throws: ``AuthenticationError`` when the variable is not set or empty.
    public static func fromEnvironment(_ name: String) throws(AuthenticationError) -> SecretBytes {
        guard let value = unsafe getenv(name) else { throw AuthenticationError(.emptySecret, "environment variable \(name) is not set") }
        let length = unsafe strlen(value)
        guard length > 0 else { throw AuthenticationError(.emptySecret, "environment variable \(name) is empty") }
        let secret = unsafe SecretBytes(count: length) { buffer in
            if let base = buffer.baseAddress { unsafe memcpy(base, value, length) }
        }
        guard !secret.isBlank else { throw AuthenticationError(.emptySecret, "environment variable \(name) is blank") }
        // The kernel shows the initial environment in /proc/self/environ, from this very memory.
        unsafe explicit_bzero(value, length)
        unsafe unsetenv(name)
        return secret
    }

    private static func check(_ path: String, mode: UInt32, owner: UInt32) throws(AuthenticationError) {
        let octal = String(mode & 0o7777, radix: 8)
        guard mode & S_IFMT == S_IFREG else { throw AuthenticationError(.unsafeFile, "secret file \(path) is no regular file") }
        guard owner == 0 || owner == geteuid() else {
            throw AuthenticationError(.unsafeFile, "secret file \(path) belongs to uid \(owner); it must be root's or uid \(geteuid())'s")
        }
        // A group that may read is how Kubernetes and systemd hand root's files to a service; it must not be the owner's own file then.
        let forbidden: UInt32 = owner == geteuid() && owner != 0 ? 0o077 : 0o037
        guard mode & forbidden == 0 else {
            throw AuthenticationError(
                .unsafeFile, "secret file \(path) has mode \(octal), others may use it; run: chmod 600 \(path)")
        }
        var parent: UInt32 = 0
        var parentOwner: UInt32 = 0
        guard unsafe sallyport_parent_mode(path, &parent, &parentOwner) == 0 else { return }
        guard parent & 0o002 == 0 || parent & UInt32(S_ISVTX) != 0 else {
            throw AuthenticationError(
                .unsafeFile, "the folder of secret file \(path) has mode \(String(parent & 0o7777, radix: 8)), anybody may replace files in it; run: chmod o-w on it")
        }
    }
}
