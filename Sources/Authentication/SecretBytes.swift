internal import CLinux
internal import Glibc

/// Secret bytes in pages of their own: locked, left out of dumps and forks, overwritten when no longer used.
///
/// Never printed, never copied into a `String` by this module but where a sender must show it as it is.
@safe public final class SecretBytes: Sendable, CustomStringConvertible {
    /// Bytes of the secret.
    public let count: Int
    // Written in init only, read-only afterwards, freed in deinit.
    private nonisolated(unsafe) let memory: UnsafeMutableRawPointer  // immutable after init

    /// Copies `bytes`; the caller's copy is the caller's to wipe.
    public convenience init(copying bytes: some Collection<UInt8>) {
        unsafe self.init(count: bytes.count) { buffer in unsafe buffer.copyBytes(from: bytes) }
    }

    /// `count` bytes that `fill` writes; what it leaves out is zero.
    public init(count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        guard let memory = unsafe sallyport_secret_allocate(count) else { fatalError("no memory for a secret of \(count) bytes") }
        unsafe self.memory = unsafe memory
        self.count = count
        unsafe fill(UnsafeMutableRawBufferPointer(start: memory, count: count))
    }

    deinit { unsafe sallyport_secret_free(memory, count) }

    /// Lends the bytes; the pointer must not leave the closure.
    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        unsafe try body(UnsafeRawBufferPointer(start: memory, count: count))
    }

    /// Without one newline at the end, as text files have it.
    public func trimmingTrailingNewline() -> SecretBytes {
        unsafe withUnsafeBytes { bytes in
            var text = unsafe bytes[...]
            guard unsafe text.last == 0x0a else { return self }
            unsafe text.removeLast()
            if unsafe text.last == 0x0d { unsafe text.removeLast() }
            return unsafe SecretBytes(copying: UnsafeRawBufferPointer(rebasing: text))
        }
    }

    /// Says that it is a secret.
    public var description: String { "[secret]" }

    /// Nothing but zero or more white space.
    public var isBlank: Bool {
        unsafe withUnsafeBytes { bytes in unsafe bytes.allSatisfy { $0 == 0x20 || (0x09...0x0d).contains($0) } }
    }
}
