internal import CLinux

/// Tells a command's output from the marks of the prelude, which begin with a nonce that nobody else knows.
struct MarkScanner {
    /// Bytes a mark's line may have after the nonce.
    static let maximumLine = 128
    /// Bytes kept of what came before `begin`: what a login shell says that does not run the prelude.
    static let maximumPreamble = 256

    enum Mark: Equatable {
        case ready(processGroup: UInt32)
        case begin
        case timeout
        /// The host ends the command because its control input has ended.
        case cancel
        case exit(code: Int32)
        case unsuitable(String)
        /// An earlier attempt of the job has the command's lock.
        case held
        /// The command begins in the systemd unit it was to be in.
        case inUnit
        /// Whether a group that was to be ended is gone.
        case ended(isGone: Bool)
    }

    private let nonce: [UInt8]
    private var pending: [UInt8] = []
    /// The prelude runs: what comes from now on is the command's.
    private(set) var isBegun = false
    /// The trailer was there: what still comes is a shell's remark on its own end, or a stranger's.
    private var isEnded = false
    /// What came before; it is not the command's output.
    private(set) var preamble: [UInt8] = []

    init(nonce: [UInt8]) { self.nonce = nonce }

    /// Takes what was read; gives the output in it to `output`, in order, and returns the marks.
    ///
    /// Nothing is held back but what may yet become a mark, so that output shows while the command runs.
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
                if mark == .begin { isBegun = true }
                if case .exit = mark { isEnded = true }
                marks.append(mark)
            }
        }
        let safe = pending.count - heldBack(from: at)
        emit(at..<safe, output)
        pending.removeSubrange(..<safe)
        return marks
    }

    /// The stream ended without a trailer: what was held back is output too.
    mutating func flush(output: (ArraySlice<UInt8>) -> Void) {
        emit(0..<pending.count, output)
        pending.removeAll()
    }

    /// Bytes at the end that may be the first part of a nonce.
    private func heldBack(from start: Int) -> Int {
        let longest = min(nonce.count - 1, pending.count - start)
        for count in stride(from: longest, to: 0, by: -1) where pending.suffix(count).elementsEqual(nonce.prefix(count)) {
            return count
        }
        return 0
    }

    private mutating func emit(_ range: Range<Int>, _ output: (ArraySlice<UInt8>) -> Void) {
        guard !range.isEmpty, !isEnded else { return }
        if isBegun {
            output(pending[range])
        } else {
            preamble.append(contentsOf: pending[range].prefix(Self.maximumPreamble - preamble.count))
        }
    }

    private func position(of needle: [UInt8], from start: Int) -> Int? {
        let found = unsafe pending.withUnsafeBytes { all in
            unsafe needle.withUnsafeBytes { unsafe sallyport_find($0.baseAddress, $0.count, all.baseAddress, all.count, start) }
        }
        return found < 0 ? nil : found
    }

    private static func mark(_ line: ArraySlice<UInt8>) -> Mark? {
        let words = String(decoding: line, as: UTF8.self).split(separator: " ")
        guard let kind = words.first else { return nil }
        guard let value = words.dropFirst().first else {
            switch kind {
            case "begin": return .begin
            case "timeout": return .timeout
            case "cancel": return .cancel
            case "unit": return .inUnit
            case "held": return .held
            case "gone": return .ended(isGone: true)
            case "alive": return .ended(isGone: false)
            default: return nil
            }
        }
        switch kind {
        case "ready": return UInt32(value).flatMap { $0 > 1 ? .ready(processGroup: $0) : nil }
        // bash may say -1 of a wait that was interrupted twice: ended, but nobody knows how.
        case "exit": return Int32(value).map { .exit(code: (0...255).contains($0) ? $0 : 255) }
        case "unsuitable": return .unsuitable(words.dropFirst().joined(separator: " "))
        default: return nil
        }
    }
}
