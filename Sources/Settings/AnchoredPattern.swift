internal import Glibc

/// An operator's pattern for a whole value: a POSIX extended regular expression without back-references, so that matching takes
/// time linear in the value whatever a sender puts into it.
///
/// The pattern is anchored at both ends by itself. Values with a NUL byte never match. Matching is byte-wise, in the C locale.
@safe public final class AnchoredPattern: Sendable {
    /// Bytes a pattern may have.
    public static let maximumLength = 1024
    /// Largest number in `{…}`, and largest product of such numbers inside one another: each multiplies the automaton.
    public static let maximumRepeat = 1000

    /// The pattern as it was written.
    public let text: String
    // Compiled in init, only read by regexec afterwards, which glibc locks; freed in deinit.
    private nonisolated(unsafe) let compiled: UnsafeMutablePointer<regex_t>  // immutable after init

    /// - Throws: ``PatternError`` saying what is wrong or too much.
    public init(_ text: String) throws(PatternError) {
        try Self.check(Array(text.utf8))
        let compiled = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
        let code = unsafe regcomp(compiled, "^(\(text))$", REG_EXTENDED | REG_NOSUB)
        guard code == 0 else {
            var message = [CChar](repeating: 0, count: 128)
            unsafe regerror(code, compiled, &message, message.count)
            unsafe compiled.deallocate()
            throw PatternError(String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).lowercased())
        }
        unsafe self.compiled = unsafe compiled
        self.text = text
    }

    deinit {
        unsafe regfree(compiled)
        unsafe compiled.deallocate()
    }

    /// The whole of `value` matches.
    public func matches(_ value: String) -> Bool {
        guard !value.utf8.contains(0) else { return false }
        return unsafe regexec(compiled, value, 0, nil, 0) == 0
    }

    private static func check(_ bytes: [UInt8]) throws(PatternError) {
        guard !bytes.isEmpty else { throw PatternError("a pattern must not be empty") }
        guard bytes.count <= maximumLength else { throw PatternError("a pattern may have \(maximumLength) bytes") }
        guard !bytes.contains(0) else { throw PatternError("a pattern with a NUL byte") }
        var product = 1
        var index = 0
        var inSet = false
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\\") where !inSet:
                index += 1
                guard index < bytes.count else { throw PatternError("a pattern ends in a backslash") }
                try checkEscape(bytes[index])
            case UInt8(ascii: "[") where !inSet:
                inSet = true
                // `]` right after `[` or `[^` is a member.
                if index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "^") { index += 1 }
                if index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "]") { index += 1 }
            case UInt8(ascii: "]"): inSet = false
            case UInt8(ascii: "^") where !inSet, UInt8(ascii: "$") where !inSet:
                throw PatternError("`^` and `$` are not needed: a pattern always is about the whole value")
            case UInt8(ascii: "{") where !inSet:
                let digits = bytes[(index + 1)...].prefix { $0 != UInt8(ascii: "}") }
                for number in digits.split(separator: UInt8(ascii: ",")) {
                    guard let value = Int(String(decoding: number, as: UTF8.self)), value <= maximumRepeat else {
                        throw PatternError("a number in {…} must be at most \(maximumRepeat)")
                    }
                    product = max(product, 1) * max(value, 1)
                }
                guard product <= maximumRepeat * maximumRepeat else { throw PatternError("the numbers in {…} multiply to too much") }
            default: break
            }
            index += 1
        }
    }

    private static func checkEscape(_ byte: UInt8) throws(PatternError) {
        switch byte {
        case UInt8(ascii: "d"): throw PatternError("`\\d` is not known; write [0-9]")
        case UInt8(ascii: "w"): throw PatternError("`\\w` is not known; write [A-Za-z0-9_]")
        case UInt8(ascii: "s"): throw PatternError("`\\s` is not known; write a space or a set")
        case 0x30...0x39: throw PatternError("back-references are not supported: their time has no bound")
        case 0x41...0x5a, 0x61...0x7a:
            throw PatternError("`\\\(String(decoding: [byte], as: UTF8.self))` is not known; a backslash goes before punctuation only")
        default: break
        }
    }
}

/// What is wrong with a pattern.
public struct PatternError: Error, CustomStringConvertible {
    /// For people.
    public let description: String
    init(_ description: String) { self.description = description }
}
