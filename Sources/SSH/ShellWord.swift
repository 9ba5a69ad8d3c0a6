/// Words of a command line that no login shell reads in its own way.
///
/// The line goes through the user's login shell, which need not be a POSIX one: within single quotes fish reads a backslash, csh an
/// exclamation mark, and neither a newline as a POSIX shell does. So those bytes do not stand there: they travel as `%` and three octal
/// digits, and the prelude, which `/bin/sh` runs, puts them back.
enum ShellWord {
    /// `word` in single quotes, of printable ASCII alone; nil when it has a NUL byte, which no argument can have.
    static func quoted(_ word: String) -> String? {
        var bytes: [UInt8] = [UInt8(ascii: "'")]
        for byte in word.utf8 {
            guard byte != 0 else { return nil }
            if isPlain(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                for shift in [6, 3, 0] as [UInt8] { bytes.append(UInt8(ascii: "0") + (byte >> shift & 7)) }
            }
        }
        bytes.append(UInt8(ascii: "'"))
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "'"), UInt8(ascii: "\\"), UInt8(ascii: "!"), UInt8(ascii: "%"): false
        case 0x20...0x7e: true
        default: false
        }
    }
}
