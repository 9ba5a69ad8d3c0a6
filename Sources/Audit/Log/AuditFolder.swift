internal import Glibc

/// The folder of a log as readers see it. Its calls block.
public struct AuditFolder: Sendable {
    /// The file of all checkpoints, the newest last.
    public static let checkpoints = "checkpoints"

    /// A line of a file, without its newline.
    public struct Line {
        /// Its bytes.
        public let bytes: ArraySlice<UInt8>
        /// From 1.
        public let number: Int
        /// Where in the file it begins.
        public let offset: Int
    }

    /// Where it is.
    public let path: String

    /// Nothing is opened yet.
    public init(path: String) { self.path = path }

    /// A file in it.
    public func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Names of the files with records, in the order of these.
    public func segments() throws(AuditError) -> [String] {
        guard let folder = unsafe opendir(path) else { throw AuditError("open the folder", path, errno: errno) }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if AuditSegment.first(ofName: name) != nil { names.append(name) }
        }
        return names.sorted()
    }

    /// Hands on the lines of a file. A last one without a newline is being written, or was cut: it is waited for as often as `patience`
    /// says, 100 ms each time.
    ///
    /// - Returns: the bytes behind the last newline.
    /// - Throws: what `take` throws; ``AuditError`` when the file cannot be read or a line is too long.
    public func lines(
        of name: String, patience: Int = 0, _ take: (Line) throws(AuditError) -> Void
    ) throws(AuditError) -> Int {
        let file = unsafe open(self.file(name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw AuditError("open", self.file(name), errno: errno) }
        defer { close(file) }
        var buffer: [UInt8] = []
        var (number, offset, patience) = (1, 0, patience)
        while true {
            let piece = try read(file, name)
            guard !piece.isEmpty else {
                guard !buffer.isEmpty, patience > 0 else { return buffer.count }
                patience -= 1
                usleep(100_000)
                continue
            }
            var searched = buffer.count
            buffer += piece
            var start = 0
            while let end = buffer[max(start, searched)...].firstIndex(of: 0x0a) {
                try take(Line(bytes: buffer[start..<end], number: number, offset: offset + start))
                number += 1
                start = end + 1
                searched = start
            }
            buffer.removeFirst(start)
            offset += start
            guard buffer.count <= AuditRecord.maximumLength else {
                throw AuditError("\(self.file(name)):\(number): a line of more than \(AuditRecord.maximumLength) bytes")
            }
        }
    }

    /// Bytes of a file.
    func length(of name: String) throws(AuditError) -> Int {
        var status = stat()
        guard unsafe lstat(file(name), &status) == 0 else { throw AuditError("look at", file(name), errno: errno) }
        return Int(status.st_size)
    }

    /// A file that was just made gets its head in a moment: that is waited for as often as `patience` says, 100 ms each time.
    func awaitHead(of name: String, patience: Int) throws(AuditError) {
        for _ in 0..<patience {
            guard try length(of: name) == 0 else { return }
            usleep(100_000)
        }
    }

    private func read(_ file: Int32, _ name: String) throws(AuditError) -> [UInt8] {
        var result = 0
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: 256 * 1024) { buffer, count in
            repeat { unsafe result = Glibc.read(file, buffer.baseAddress, buffer.count) } while result < 0 && errno == EINTR
            count = max(0, result)
        }
        guard result >= 0 else { throw AuditError("read", self.file(name), errno: errno) }
        return piece
    }

    /// The notes in a file of several, in their order, each with one signature.
    ///
    /// - Returns: with the notes, the byte behind each; and the bytes at the end that make no whole note.
    public func notes(
        of name: String = checkpoints, patience: Int = 0
    ) throws(AuditError) -> (notes: [(note: SignedNote, end: Int)], rest: Int) {
        var notes: [(note: SignedNote, end: Int)] = []
        var note: [UInt8] = []
        let rest = try lines(of: name, patience: patience) { line throws(AuditError) in
            note += line.bytes + [0x0a]
            guard line.bytes.starts(with: SignedNote.signatureMark) else {
                guard note.count <= SignedNote.maximumLength else {
                    throw AuditError("\(file(name)):\(line.number): not a signed note")
                }
                return
            }
            do throws(AuditError) {
                notes.append((try SignedNote(note), line.offset + line.bytes.count + 1))
            } catch {
                throw error.at("\(file(name)):\(line.number)")
            }
            note = []
        }
        return (notes, rest + note.count)
    }
}
