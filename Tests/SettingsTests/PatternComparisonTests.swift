import Glibc
import Settings
import Testing

/// Compares with the C library's engine, which is slow and hungry but correct, on patterns and values made at random.
@Suite struct PatternComparisonTests {
    /// The same numbers every time, so that a failure can be repeated.
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state ^ (state >> 29)) &* 0x9E37_79B9_7F4A_7C15
        }
    }

    private func pattern(depth: Int, _ numbers: inout Numbers) -> String {
        let atoms = ["a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", "[[:alpha:]]", "[]b]", "\\."]
        var text = ""
        for _ in 0..<Int.random(in: 1...3, using: &numbers) {
            let isGroup = depth > 0 && Int.random(in: 0..<3, using: &numbers) == 0
            text += isGroup ? "(\(pattern(depth: depth - 1, &numbers)))" : atoms.randomElement(using: &numbers) ?? "a"
            text += ["", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "{,2}"].randomElement(using: &numbers) ?? ""
        }
        if depth > 0, Int.random(in: 0..<4, using: &numbers) == 0 { text += "|" + pattern(depth: depth - 1, &numbers) }
        return text
    }

    @Test func `every answer is the C library's`() throws {
        var numbers = Numbers(state: 20)
        var matched = 0
        for _ in 0..<1500 {
            let text = pattern(depth: 2, &numbers)
            let ours = try AnchoredPattern(text)
            var theirs = unsafe regex_t()
            try #require(unsafe regcomp(&theirs, "^(\(text))$", REG_EXTENDED | REG_NOSUB) == 0, "\(text)")
            defer { unsafe regfree(&theirs) }
            for _ in 0..<20 {
                let value = String(
                    (0..<Int.random(in: 0...8, using: &numbers)).map { _ in "abc.]".randomElement(using: &numbers) ?? "a" })
                let expected = unsafe regexec(&theirs, value, 0, nil, 0) == 0
                #expect(ours.matches(value) == expected, "\(text) on \(value)")
                matched += expected ? 1 : 0
            }
        }
        #expect(matched > 1000, "too few matches for the comparison to mean something: \(matched)")
    }
}
