import Testing

@testable import SSH

struct ControlWordTests {
    @Test func `a word is printable ASCII without what takes a line apart`() throws {
        let word = try #require(ControlWord.encoded(Self.everyByte))
        #expect(word.utf8.allSatisfy { (0x20...0x7e).contains($0) && !"|\\".utf8.contains($0) })
        #expect(ControlWord.encoded("a\\b!%'c|d\n") == "a%134b!%045'c%174d%012")
        #expect(ControlWord.encoded("a\0b") == nil)
        #expect(ControlWord.encoded("") == "%")
    }

    /// Every byte an argument can have, as the text that has those scalars; the ones of two bytes in UTF-8 come out as such.
    static let everyByte = String(String.UnicodeScalarView((1...255).compactMap { UnicodeScalar($0) }))
}
