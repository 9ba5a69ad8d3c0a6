import Glibc
import Testing

@testable import SSH

struct ShellQuotingTests {
    /// Every byte an argument can have, as the text that has those scalars; the ones of two bytes in UTF-8 come out as such.
    static let everyByte = String(String.UnicodeScalarView((1...255).compactMap { UnicodeScalar($0) }))

    @Test(arguments: ["/bin/dash", "/bin/bash"])
    func `a shell gives back what was quoted, byte by byte`(shell: String) throws {
        let words = [
            Self.everyByte, "", " ", "-rf", "--", "a\nb\n", "'", "''", "it's", "'$(id)'", "$(id)", "`id`", "$HOME", "a;b", "a|b",
            "a&b", "*", "~", "\\", "\\'",
            "\"", "!!", "{a,b}", "#", "ü€😀", "\r\n", "\u{1b}[31m",
        ]
        let line = try #require(ShellQuoting.line(words))
        let shell = try LocalShell(shell, "printf %s:%s: " + line)
        defer { shell.kill() }
        let output = shell.readToEnd().stdout
        // printf repeats its format until the words are used up.
        let missing = words.count % 2
        let expected = words.map { $0 + ":" }.joined() + String(repeating: ":", count: missing)
        #expect(output == Array(expected.utf8))
    }

    @Test func `a byte that no argument can have is refused`() {
        #expect(ShellQuoting.quote("a\0b") == nil)
        #expect(ShellQuoting.line(["a", "\0"]) == nil)
        #expect(ShellQuoting.line(["a", "b c"]) == "'a' 'b c'")
    }
}
