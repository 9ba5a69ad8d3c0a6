import JSON
import Testing

@Suite struct DecimalNumberTests {
    private func number(_ text: String) throws -> DecimalNumber { try #require(DecimalNumber(text), "\(text)") }

    @Test(
        arguments: [
            ["0", "-0", "0.0", "0e9", "-0.000e-3"], ["1", "1.0", "10e-1", "0.01E+2", "1e0"], ["-2.5", "-25e-1", "-0.25e1"],
            ["1000000", "1e6", "0.000001e12"], ["9007199254740993", "9007199254740993.000"],
        ])
    func `the same number is equal however it is written`(texts: [String]) throws {
        for left in texts { for right in texts { #expect(try number(left) == number(right), "\(left) \(right)") } }
    }

    @Test func `numbers are in their order, exactly`() throws {
        // The last pairs are the same double.
        let ascending = [
            "-1e1000000", "-1e400", "-10", "-9.99", "-1", "-0.1", "-1e-1000000", "0", "1e-1000000", "0.099", "0.1", "0.11", "1",
            "1.5",
            "2", "10", "9007199254740992", "9007199254740993", "1e400", "1e400000", "1e1000000",
        ]
        for (index, left) in ascending.enumerated() {
            for right in ascending[(index + 1)...] {
                #expect(try number(left) < number(right), "\(left) \(right)")
                #expect(try !(number(right) < number(left)), "\(left) \(right)")
                #expect(try number(left) != number(right), "\(left) \(right)")
            }
        }
    }

    @Test(
        arguments: [
            "", " 1", "1 ", "1\n", "+1", "01", "1.", ".5", "0x10", "1e", "1e+", "--1", "1,5", "NaN", "Infinity", "١", "\"1\"",
            "[1]",
            "1\u{0}", "true", "null", "1e1000001", "1e-1000001", "1e99999999999999999999999",
        ])
    func `what JSON does not write as a number is none`(text: String) {
        #expect(DecimalNumber(text) == nil)
    }

    @Test func `a number has up to 1024 digits`() {
        #expect(DecimalNumber(String(repeating: "9", count: 1024)) != nil)
        #expect(DecimalNumber(String(repeating: "9", count: 1025)) == nil)
    }
}
