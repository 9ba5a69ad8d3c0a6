internal import CLinux

/// Tells a command's output from the marks of the prelude, which begin with a nonce that nobody else knows.
struct MarkScanner {
    /// Bytes a mark's line may have after the nonce.
    static let maximumLine = 128

    enum Mark: Equatable {
        case begin
        case start(processGroup: UInt32)
        case exit(code: Int32)
        case unsuitable(String)
    }

    private let nonce: [UInt8]
    private var pending: [UInt8] = []
    private var begun = false

    init(nonce: [UInt8]) { self.nonce = nonce }

    /// Takes what was read; gives the output in it to `output`, in order, and returns the marks.
    mutating func scan(_ bytes: ArraySlice<UInt8>, output: (ArraySlice<UInt8>) -> Void) -> [Mark] {
        pending.append(contentsOf: bytes)
        var marks: [Mark] = []
        var at = 0
        while let found = position(of: nonce, from: at) {
            let line = pending[(found + nonce.count)...].prefix(Self.maximumLine)
            guard let end = line.firstIndex(of: 0x0a) else {
                guard line.count == Self.maximumLine else {
                    emit(at..<found, output)
                    pending.removeSubrange(..<found)
                    return marks
                }
                // Not one of the prelude's lines; the nonce itself stays output.
                emit(at..<found + nonce.count, output)
                at = found + nonce.count
                continue
            }
            emit(at..<found, output)
            at = end + 1
            if let mark = Self.mark(line[..<end]) {
                if mark == .begin { begun = true }
                marks.append(mark)
            }
        }
        // The nonce may be cut in two by the end of what was read.
        let safe = max(at, pending.count - nonce.count + 1)
        emit(at..<safe, output)
        pending.removeSubrange(..<safe)
        return marks
    }

    private func emit(_ range: Range<Int>, _ output: (ArraySlice<UInt8>) -> Void) {
        if begun, !range.isEmpty { output(pending[range]) }
    }

    private func position(of needle: [UInt8], from start: Int) -> Int? {
        let found = unsafe pending.withUnsafeBytes { all in
            unsafe needle.withUnsafeBytes { unsafe sallyport_find($0.baseAddress, $0.count, all.baseAddress, all.count, start) }
        }
        return found < 0 ? nil : found
    }

    private static func mark(_ line: ArraySlice<UInt8>) -> Mark? {
        let words = String(decoding: line, as: UTF8.self).split(separator: " ")
        switch words.first {
        case "begin": return .begin
        case "start": return words.dropFirst().first.flatMap { UInt32($0) }.map { .start(processGroup: $0) }
        case "exit": return words.dropFirst().first.flatMap { Int32($0) }.map { .exit(code: $0) }
        case "unsuitable": return .unsuitable(words.dropFirst().joined(separator: " "))
        default: return nil
        }
    }
}

extension MarkScanner {
    /// The stream ended without a trailer: what was held back is output too.
    mutating func flush(output: (ArraySlice<UInt8>) -> Void) {
        if begun, !pending.isEmpty { output(pending[...]) }
        pending.removeAll()
    }
}
