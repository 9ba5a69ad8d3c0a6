import NIOHTTP1
import Testing

@testable import Ingress

@Suite struct FieldValueTests {
    @Test(arguments: [
        ("1", "1"), ("1 ", "1"), (" 1", "1"), ("\t1 \t", "1"), ("a b", "a b"), (" ", ""), ("", ""), ("ü ", "ü"),
    ])
    func `the white space around a value is no part of it`(sent: String, value: String) {
        let headers = HTTPHeaders([("X-First", "a"), ("X-Deny", sent), ("X-Deny", "2")]).trimmed
        #expect(headers["x-deny"] == [value, "2"])
        #expect(headers.map(\.name) == ["X-First", "X-Deny", "X-Deny"])
    }
}
