import JSON
import Testing

struct JSONWriterTests {
    private func text(_ write: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        write(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func `commas and colons stand where they belong`() {
        let json = text { json in
            json.beginObject()
            json.name("a")
            json.beginArray()
            json.int(-1)
            json.bool(true)
            json.beginObject()
            json.endObject()
            json.null()
            json.endArray()
            json.name("b")
            json.string("x")
            json.name("c")
            json.number(JSONNumber(.max))
            json.name("d")
            json.beginObject()
            json.name("e")
            json.bool(false)
            json.endObject()
            json.endObject()
        }
        #expect(json == #"{"a":[-1,true,{},null],"b":"x","c":9223372036854775807,"d":{"e":false}}"#)
    }

    @Test func `what a line or a terminal would interpret is escaped`() {
        #expect(
            text { $0.string("\"\\/\n\r\t\u{0}\u{1b}\u{7f}\u{8}\u{2028}\u{2029}\u{2027}é") }
                == "\"\\\"\\\\/\\n\\r\\t\\u0000\\u001b\\u007f\\u0008\\u2028\\u2029\u{2027}é\"")
    }

    @Test func `every scalar below U+3000 survives the way out and in`() throws {
        let all = String(String.UnicodeScalarView((0..<0x3000).compactMap { Unicode.Scalar(UInt32($0)) }))
        let json = text { $0.string(all) }
        #expect(json.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
        #expect(try JSONValue.parse(json.utf8) == .string(all))
    }

    @Test func `a name is escaped like any string`() throws {
        let name = "a\"},\u{0}"
        let json = text { json in
            json.beginObject()
            json.name(name)
            json.int(1)
            json.endObject()
        }
        #expect(try JSONValue.parse(json.utf8)[name] == .integer(1))
    }

    @Test(
        arguments: [
            ([0x61, 0xff, 0x62], "\"a\u{fffd}b\""), ([0xe2, 0x80], "\"\u{fffd}\""), ([], "\"\""), ([0xc3, 0xa9], "\"é\""),
            ([0xed, 0xa0, 0x80], "\"\u{fffd}\u{fffd}\u{fffd}\""),
        ] as [([UInt8], String)])
    func `bytes that are no UTF-8 become replacement characters`(bytes: [UInt8], expected: String) {
        #expect(text { $0.string(bytes: bytes) } == expected)
    }
}
