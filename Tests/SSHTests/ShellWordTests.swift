import Testing

@testable import SSH

struct ShellWordTests {
    @Test func `a word is printable ASCII without what shells differ in`() throws {
        let word = try #require(ShellWord.quoted(Self.everyByte))
        #expect(word.utf8.dropFirst().dropLast().allSatisfy { (0x20...0x7e).contains($0) && !"'\\!".utf8.contains($0) })
        #expect(ShellWord.quoted("a\\b!%'c d") == "'a%134b%041%045%047c d'")
        #expect(ShellWord.quoted("a\0b") == nil)
        #expect(ShellWord.quoted("") == "''")
    }

    /// Every byte an argument can have, as the text that has those scalars; the ones of two bytes in UTF-8 come out as such.
    static let everyByte = String(String.UnicodeScalarView((1...255).compactMap { UnicodeScalar($0) }))
}
