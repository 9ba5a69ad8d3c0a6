internal import Authentication

/// The bytes in which the helper hands files over: eight for the length of the rest, then for each file its kind, whether it could be
/// read, and path and content, each with four for its length. Numbers are big-endian. Both ends are one program.
enum FileRecord {
    /// Bytes of all files together.
    static let maximumSize = 16 * 1024 * 1024

    /// With its length in front; nil when there is too much.
    static func encode(_ view: FileView) -> SecretBytes? {
        let entries = view.entries.map { entry in
            switch entry.content {
            case .bytes(let bytes): (entry.kind, Array(entry.path.utf8), isRead: true, bytes)
            case .failure(let message): (entry.kind, Array(entry.path.utf8), isRead: false, SecretBytes(copying: message.utf8))
            }
        }
        let size = entries.reduce(0) { $0 + 10 + $1.1.count + $1.3.count }
        guard size <= maximumSize else { return nil }
        return unsafe SecretBytes(count: 8 + size) { buffer in
            var place = 0
            func append(_ bytes: some Collection<UInt8>) {
                for byte in bytes {
                    unsafe buffer[place] = byte
                    place += 1
                }
            }
            func append(_ number: UInt32) { append((0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }) }
            append(UInt32(0))
            append(UInt32(size))
            for (kind, path, isRead, content) in entries {
                append([kind.rawValue, isRead ? 1 : 0])
                append(UInt32(path.count))
                append(path)
                append(UInt32(content.count))
                unsafe content.withUnsafeBytes { unsafe append($0) }
            }
        }
    }

    /// From what follows the length; nil when it is cut or not understood.
    static func decode(_ record: SecretBytes) -> FileView? {
        unsafe record.withUnsafeBytes { bytes in
            var entries: [(kind: FileView.Kind, path: String, content: FileView.Content)] = []
            var place = 0
            func take(_ count: Int) -> UnsafeRawBufferPointer? {
                guard count <= bytes.count - place else { return nil }
                defer { place += count }
                return unsafe UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
            }
            func piece() -> UnsafeRawBufferPointer? {
                guard let length = unsafe take(4) else { return nil }
                return unsafe take(Int(unsafe length.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }))
            }
            while place < bytes.count {
                guard let head = unsafe take(2), let kind = unsafe FileView.Kind(rawValue: head[0]), let path = unsafe piece(),
                    let content = unsafe piece()
                else { return nil }
                let text = unsafe String(decoding: path, as: UTF8.self)
                if unsafe head[1] == 1 {
                    entries.append((kind, text, .bytes(unsafe SecretBytes(copying: content))))
                } else {
                    entries.append((kind, text, .failure(unsafe String(decoding: content, as: UTF8.self))))
                }
            }
            return FileView(entries)
        }
    }
}
