import Authentication
import Glibc

/// New files of the operator's: made with their final mode, never over an existing one unless that was asked for.
enum FileOutput {
    /// Who runs this.
    static var ownUID: UInt32 { getuid() }

    /// Writes a file that only its owner may read.
    static func secret(_ secret: SecretBytes, to path: String, replacing: Bool = false) throws {
        try write(to: path, mode: 0o600, replacing: replacing) { descriptor in
            unsafe secret.withUnsafeBytes { bytes in unsafe bytes.count == Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            }
        }
    }

    /// Writes a text that anybody may read.
    static func text(_ text: String, to path: String, replacing: Bool = false) throws {
        try write(to: path, mode: 0o644, replacing: replacing) { descriptor in
            let bytes = Array(text.utf8)
            return unsafe bytes.count == Glibc.write(descriptor, bytes, bytes.count)
        }
    }

    /// Adds the lines that are not there yet; makes the file when there is none.
    static func append(_ lines: [String], to path: String) throws {
        let old = unsafe access(path, F_OK) == 0 ? String(decoding: try read(path), as: UTF8.self) : ""
        let there = Set(old.split(separator: "\n").map(String.init))
        let new = lines.filter { !there.contains($0) }
        let text = old + (old.isEmpty || old.hasSuffix("\n") ? "" : "\n") + new.map { $0 + "\n" }.joined()
        try self.text(text, to: path, replacing: true)
    }

    /// Makes a folder that only its owner may enter; one that is there already stays as it is.
    static func folder(_ path: String, mode: mode_t = 0o700) throws {
        guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else { throw failure("make folder", path) }
    }

    /// The whole of a file that is no secret, at most `limit` bytes; `-` is standard input.
    static func read(_ path: String, limit: Int = 32 * 1024 * 1024) throws -> [UInt8] {
        let descriptor = unsafe path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { if path != "-" { close(descriptor) } }
        var all: [UInt8] = []
        while true {
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
                unsafe count = max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
            }
            if piece.isEmpty { return all }
            all += piece
            guard all.count <= limit else { throw CommandFailure("\(path) has more than \(limit) bytes", code: .usage) }
        }
    }

    private static func write(to path: String, mode: mode_t, replacing: Bool, _ body: (Int32) -> Bool) throws {
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (replacing ? O_TRUNC : O_EXCL)
        let descriptor = unsafe open(path, flags, mode)
        guard descriptor >= 0 else { throw failure("create", path) }
        defer { close(descriptor) }
        guard body(descriptor) else { throw failure("write", path) }
    }

    private static func failure(_ step: String, _ path: String) -> CommandFailure {
        let number = errno
        let reason = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
        let next = number == EEXIST ? "; nothing is overwritten: name another, or move it away" : ""
        return CommandFailure("\(step) \(path): \(reason)\(next)", code: .usage)
    }
}
