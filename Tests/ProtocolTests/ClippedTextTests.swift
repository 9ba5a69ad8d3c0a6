import JobProtocol
import Testing

@Suite struct ClippedTextTests {
    @Test(arguments: [
        ("", 0, ""), ("abc", 3, "abc"), ("abc", 2, "ab"), ("é", 1, ""), ("aé", 3, "aé"), ("aé", 2, "a"), ("😀", 3, ""),
        ("x", -1, ""),
    ])
    func `a text is cut between characters, at the limit in bytes`(text: String, limit: Int, expected: String) {
        #expect(text.clipped(toBytes: limit) == expected)
    }
}
