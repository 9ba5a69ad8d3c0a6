internal import CSSH2

/// One channel of a session. Keeps its session alive.
@safe final class SSHChannel {
    private let channel: OpaquePointer
    private let session: SSHSession
    private var isFreed = false

    init(_ channel: OpaquePointer, of session: SSHSession) {
        unsafe self.channel = unsafe channel
        self.session = session
    }

    // One that is not closed on both sides cannot be freed at once: the session frees it when it ends.
    deinit { if !isFreed { unsafe libssh2_channel_free(channel) } }

    /// Asks the host to run a command line; done when the host said that it does. Call it again with the same line after `again`, and no other
    /// channel's meanwhile: libssh2 1.10 takes the answer to another one's for an error.
    func execute(_ command: String) -> Progress<Void> {
        let type = "exec"
        return session.result(
            unsafe libssh2_channel_process_startup(channel, type, UInt32(type.utf8.count), command, UInt32(command.utf8.count)))
    }

    /// Bytes of a stream that are there: none when the stream has ended.
    func read(stderr: Bool) -> Progress<[UInt8]> {
        var code = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 32 * 1024) { buffer, count in
            code = unsafe libssh2_channel_read_ex(
                channel, stderr ? SSH_EXTENDED_DATA_STDERR : 0,
                buffer.baseAddress.map { unsafe UnsafeMutableRawPointer($0).assumingMemoryBound(to: CChar.self) }, buffer.count)
            count = max(0, code)
        }
        switch Int32(clamping: code) {
        case 0...: return .done(bytes)
        case LIBSSH2_ERROR_EAGAIN: return .again
        default: return .failed(Int32(clamping: code))
        }
    }

    /// Writes to the command's standard input; how many bytes were taken.
    func write(_ bytes: ArraySlice<UInt8>) -> Progress<Int> {
        let code = unsafe bytes.withUnsafeBytes {
            unsafe libssh2_channel_write_ex(channel, 0, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
        }
        switch Int32(clamping: code) {
        case 0...: return .done(code)
        case LIBSSH2_ERROR_EAGAIN: return .again
        default: return .failed(Int32(clamping: code))
        }
    }

    /// Ends the command's standard input.
    func sendEOF() -> Progress<Void> { session.result(unsafe libssh2_channel_send_eof(channel)) }

    /// Says that this side is done; complete when the host has closed too.
    func close() -> Progress<Void> { session.result(unsafe libssh2_channel_close(channel)) }

    /// Frees it once both sides have closed.
    func free() {
        guard !isFreed else { return }
        if unsafe libssh2_channel_free(channel) != LIBSSH2_ERROR_EAGAIN { isFreed = true }
    }

    /// The host has ended both streams.
    var isAtEnd: Bool { unsafe libssh2_channel_eof(channel) == 1 }
}
