public import Authentication
internal import CLinux
internal import Glibc
internal import Sandbox

/// Reads the settings and the files they name for a process that opens no file any more.
///
/// A helper process, forked before there is a thread, a listener or a secret. All it ever hears is one byte: read again. It reads the
/// settings file it was started with, and the files that file names now, in a process of its own each time, so that no secret stays
/// in its memory. Files may therefore be replaced, and move, as Kubernetes does with what it mounts.
public final class SettingsReader: Sendable {
    /// How long one reading may take.
    static let patience = Duration.seconds(10)

    private let channel: Int32

    private init(channel: Int32) { self.channel = channel }

    /// Forks the helper. Call on the only thread, after hardening and before anything is opened.
    ///
    /// - Parameter read: reads the settings from the disk; what it returns or throws does not matter, only which files it reads.
    /// - Throws: ``SettingsReaderError``.
    public static func start(_ read: @escaping () -> Void) throws(SettingsReaderError) -> SettingsReader {
        var channel: Int32 = -1
        let child = unsafe sallyport_fork_helper(&channel)
        guard child >= 0 else { throw SettingsReaderError("cannot start the settings reader: error \(-child)") }
        if child == 0 { serve(on: channel, read) }
        return SettingsReader(channel: channel)
    }

    /// Asks for the files and waits for them; blocks.
    ///
    /// - Throws: ``SettingsReaderError`` when the helper is gone or too slow.
    public func read() throws(SettingsReaderError) -> FileView {
        let end = ContinuousClock.now + Self.patience
        var ask: UInt8 = 1
        guard unsafe write(channel, &ask, 1) == 1 else { throw Self.gone }
        let header = try receive(8, until: end)
        let length = unsafe header.withUnsafeBytes { unsafe $0.reduce(0) { $0 << 8 | UInt64($1) } }
        guard length <= UInt64(FileRecord.maximumSize) else { throw Self.gone }
        let record = try receive(Int(length), until: end)
        guard let view = FileRecord.decode(record) else { throw Self.gone }
        return view
    }

    /// The helper has ended.
    public var isGone: Bool {
        var entry = pollfd(fd: channel, events: 0, revents: 0)
        return unsafe poll(&entry, 1, 0) == 1 && entry.revents & Int16(POLLHUP) != 0
    }

    private static let gone = SettingsReaderError("the settings reader has ended; restart to use changed settings")

    private func receive(_ count: Int, until end: ContinuousClock.Instant) throws(SettingsReaderError) -> SecretBytes {
        var got = 0
        var isComplete = true
        let bytes = unsafe SecretBytes(count: count) { buffer in
            while got < buffer.count {
                var entry = pollfd(fd: channel, events: Int16(POLLIN), revents: 0)
                let left = (end - .now).components
                let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
                guard milliseconds > 0, unsafe poll(&entry, 1, Int32(milliseconds)) == 1 else { break }
                let piece = unsafe Glibc.read(channel, buffer.baseAddress?.advanced(by: got), buffer.count - got)
                guard piece > 0 else { break }
                got += piece
            }
            isComplete = got == buffer.count
        }
        // What comes late would be taken for the answer to the next question.
        guard isComplete else {
            shutdown(channel, Int32(SHUT_RDWR))
            throw Self.gone
        }
        return bytes
    }

    /// The helper's life.
    private static func serve(on channel: Int32, _ read: () -> Void) -> Never {
        unsafe sallyport_name_process("settings-reader")
        do throws(SandboxError) {
            try Seal.confine(.settingsReader)
        } catch {
            sallyport_exit_now(1)
        }
        StartUpPages.giveBack()
        var asked: UInt8 = 0
        while unsafe Glibc.read(channel, &asked, 1) == 1 {
            let child = sallyport_fork()
            if child == 0 { answer(on: channel, read) }
            guard child > 0, sallyport_wait_for(child) == 0 else { break }
        }
        sallyport_exit_now(0)
    }

    private static func answer(on channel: Int32, _ read: () -> Void) -> Never {
        let view = FileView()
        FileView.$current.withValue(view) { read() }
        guard let record = FileRecord.encode(view) else { sallyport_exit_now(1) }
        unsafe record.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let piece = unsafe write(channel, bytes.baseAddress?.advanced(by: sent), bytes.count - sent)
                guard piece > 0 else { sallyport_exit_now(1) }
                sent += piece
            }
        }
        sallyport_exit_now(0)
    }
}

/// The helper that reads settings cannot be had or does not answer.
public struct SettingsReaderError: Error, CustomStringConvertible {
    /// For people.
    public let description: String

    init(_ description: String) { self.description = description }
}
