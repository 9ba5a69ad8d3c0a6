import JSON
import Testing

@testable import Ingress

@Suite struct URLEncodedFormTests {
    /// The fields as JSON, or why there are none.
    private func read(_ text: String) -> String { read(Array(text.utf8)) }

    private func read(_ bytes: [UInt8]) -> String {
        do throws(PayloadError) {
            return "\(try URLEncodedForm.read(bytes))"
        } catch {
            return "! \(error)"
        }
    }

    @Test(
        arguments: [
            ("", "{}"), ("a=1", #"{"a":"1"}"#), ("a=1&b=2", #"{"a":"1","b":"2"}"#), ("a+b=c+d", #"{"a b":"c d"}"#),
            ("a=%C3%A9%2B%26%3d", #"{"a":"é+&="}"#), ("a=é", #"{"a":"é"}"#), ("a", #"{"a":""}"#), ("a=", #"{"a":""}"#),
            ("=1", #"{"":"1"}"#), ("a=b=c", #"{"a":"b=c"}"#), ("a=1&&b=2&", #"{"a":"1","b":"2"}"#), ("&", "{}"),
            ("a=1&b=2&a=3", #"{"a":["1","3"],"b":"2"}"#), ("%61=1&a=2", #"{"a":["1","2"]}"#), ("a[b]=1", #"{"a[b]":"1"}"#),
            ("a=%0A", #"{"a":"\n"}"#),
            // Canonically equivalent names are two names.
            ("%C3%A9=1&e%CC%81=2", "{\"é\":\"1\",\"e\u{301}\":\"2\"}"),
        ])
    func `a field is a member, a repeated one an array`(body: String, expected: String) {
        #expect(Array(read(body).utf8) == Array(expected.utf8))
    }

    @Test(
        arguments: [
            ("a=%", "a % without two hexadecimal digits at byte 2"), ("a=%4", "a % without two hexadecimal digits at byte 2"),
            ("a=%4&b=1", "a % without two hexadecimal digits at byte 2"),
            ("b=1&a=%g0", "a % without two hexadecimal digits at byte 6"),
            ("%=1", "a % without two hexadecimal digits at byte 0"), ("a=%00", "a NUL at byte 2"), ("a%00b=1", "a NUL at byte 0"),
            ("a=b\u{0}", "a NUL at byte 2"), ("x=1&a=%ff", "a text that is not UTF-8 at byte 6"),
            ("a=%C0%AF", "a text that is not UTF-8 at byte 2"), ("a=%ED%A0%80", "a text that is not UTF-8 at byte 2"),
            ("%C3=%A9", "a text that is not UTF-8 at byte 0"),
        ])
    func `what is not decodable is refused with its place and not repeated`(body: String, message: String) {
        #expect(read(body) == "! \(message)")
    }

    @Test func `raw bytes must be UTF-8 too`() {
        #expect(read([UInt8(ascii: "a"), UInt8(ascii: "="), 0xff]) == "! a text that is not UTF-8 at byte 2")
    }

    @Test func `a form has 1000 fields`() {
        func form(_ count: Int) -> String { (0..<count).map { "f\($0)=" }.joined(separator: "&") }
        #expect(!read(form(1000)).hasPrefix("!"))
        #expect(read(form(1001)).hasPrefix("! more than 1000 fields at byte"))
        #expect(read(String(repeating: "a=&", count: 1001)).hasPrefix("! more than 1000 fields"))
        // What has no name and no value is no field.
        #expect(read(String(repeating: "&", count: 100_000)) == "{}")
    }

    @Test func `a name has 1024 bytes, once decoded`() {
        func form(_ count: Int) -> String { String(repeating: "%61", count: count) + "=1" }
        #expect(!read(form(1024)).hasPrefix("!"))
        #expect(read(form(1025)) == "! a field's name of more than 1024 bytes at byte 0")
    }
}
