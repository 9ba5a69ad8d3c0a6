import JSON
import Testing

struct JSONParserTests {
    @Test(arguments: [
        ("null", "null"), (" true ", "true"), ("false", "false"), ("\t\r\n0\n", "0"), ("-0", "-0"), ("10", "10"),
        ("-1.5e+10", "-1.5e+10"), ("1E-2", "1E-2"), ("0.0", "0.0"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        (#""""#, #""""#), (#""a\"\\\/b""#, #""a\"\\/b""#), (#""\b\f\n\r\t""#, #""\u0008\u000c\n\r\t""#),
        (#""\u00e9\u00E9é""#, #""ééé""#), (#""\ud83d\ude00""#, #""😀""#), (#""\u0000""#, #""\u0000""#),
        ("\"\u{7f}\u{2028}\"", #""\u007f\u2028""#), ("[]", "[]"), ("[ ]", "[]"), ("{ }", "{}"), ("[1 , 2,[3]]", "[1,2,[3]]"),
        (#"{"b":1,"a":[{}],"":null}"#, #"{"b":1,"a":[{}],"":null}"#),
    ])
    func `a well-formed document is read and written again`(document: String, compact: String) throws {
        #expect(try JSONValue.parse(document.utf8).description == compact)
    }

    @Test(arguments: [
        "", " ", "nul", "nulll", "True", "NaN", "Infinity", "'a'", "+1", "01", "-01", "-", "1.", ".5", "1e", "1e+", "0x10", "1 2",
        "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}",
        "{a:1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{,}", "[}", "{]", "\"", "\"\\", "\"\\\"", "\"\\x\"", "\"\\u12\"",
        "\"\\u12g4\"", "\"\\u-123\"", "\"a\nb\"", "\"a\tb\"", "\"\u{0}\"", "\"\u{1f}\"", "\"\\n\u{1}\"", "// a\n1", "1 // a",
        "\u{feff}1", "{}{}", "[]\u{0}", "\u{b}1",
    ])
    func `a document that is not JSON is refused`(document: String) {
        #expect(throws: JSONError.self) { try JSONValue.parse(document.utf8) }
    }

    @Test(arguments: [
        #""\ud800""#, #""\udc00""#, #""\ud800\ud800""#, #""\ud800x""#, #""\ud800\n""#, #""\udfff\ud800""#, #""\ud800\u0041""#,
    ])
    func `a lone surrogate is refused`(document: String) {
        #expect(throws: JSONError.self) { try JSONValue.parse(document.utf8) }
    }

    @Test(
        arguments: [
            [0x80], [0xc3], [0xc0, 0xaf], [0xe2, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80],
            [0xf8, 0x88, 0x80, 0x80, 0x80], [0xff],
        ] as [[UInt8]])
    func `invalid UTF-8 is refused in values, names and beside escapes`(bytes: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        let escape = Array(#"\n"#.utf8)
        #expect(throws: JSONError.self) { try JSONValue.parse([quote] + bytes + [quote]) }
        #expect(throws: JSONError.self) { try JSONValue.parse([quote] + escape + bytes + [quote]) }
        #expect(throws: JSONError.self) { try JSONValue.parse([quote] + bytes + escape + [quote]) }
        #expect(throws: JSONError.self) { try JSONValue.parse([0x7b, quote] + bytes + [quote, 0x3a, 0x31, 0x7d]) }
    }

    @Test(arguments: [
        #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, #"{"x":{"b":1,"c":2,"b":1}}"#, "{\"\u{e9}\":1,\"e\u{301}\":2}",
    ])
    func `a member name that repeats is refused`(document: String) {
        #expect(throws: JSONError.self) { try JSONValue.parse(document.utf8) }
    }

    @Test(arguments: [2, 11, 12, 13, 14, 300])
    func `a repeated name is found however many members there are`(count: Int) throws {
        let members = (0..<count).map { "\"m\($0)\":\($0)" }
        let object = try #require(JSONValue.parse("{\(members.joined(separator: ","))}".utf8).object)
        #expect(object.members.count == count)
        for name in ["m0", "m\(count - 1)"] {
            let repeated = "{\((members + ["\"\(name)\":0"]).joined(separator: ","))}"
            #expect(throws: JSONError.self) { try JSONValue.parse(repeated.utf8) }
        }
    }

    @Test func `depth is accepted up to the limit and refused beyond it`() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        _ = try JSONValue.parse(nested(64))
        #expect(throws: JSONError.self) { try JSONValue.parse(nested(65)) }
        #expect(throws: JSONError.self) { try JSONValue.parse([UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)) }
        let limits = JSONLimits(depth: 2, values: 10)
        _ = try JSONValue.parse(#"{"a":[],"b":[1]}"#.utf8, limits: limits)
        #expect(throws: JSONError.self) { try JSONValue.parse(#"{"a":[{}]}"#.utf8, limits: limits) }
    }

    @Test func `values are accepted up to the limit and refused beyond it`() throws {
        let limits = JSONLimits(depth: 8, values: 4)
        _ = try JSONValue.parse("[1,2,3]".utf8, limits: limits)
        #expect(throws: JSONError.self) { try JSONValue.parse("[1,2,3,4]".utf8, limits: limits) }
        _ = try JSONValue.parse(#"{"a":[1,2]}"#.utf8, limits: limits)
        #expect(throws: JSONError.self) { try JSONValue.parse(#"{"a":[1,2],"b":1}"#.utf8, limits: limits) }
    }

    @Test func `an error says where`() {
        let repeated = #expect(throws: JSONError.self) { try JSONValue.parse(#"{"a":1, "a":2}"#.utf8) }
        #expect(repeated?.description == "a member name repeats at byte 11")
        let word = #expect(throws: JSONError.self) { try JSONValue.parse("[1, nil]".utf8) }
        #expect(word?.description == "no value at byte 4")
    }

    @Test func `every shape of bytes gives the same`() throws {
        let text = #"{"a":[1,"é"]}"#
        let bytes = Array(text.utf8)
        let expected = try JSONValue.parse(bytes)
        #expect(try JSONValue.parse(text.utf8) == expected)
        #expect(try JSONValue.parse((bytes + [0xff])[..<bytes.count]) == expected)
        #expect(try JSONValue.parse(bytes.lazy.map { $0 }) == expected)
        #expect(try JSONValue.parse(bytes.span) == expected)
        let lent = try unsafe bytes.withUnsafeBytes { buffer in try unsafe JSONValue.parse(buffer) }
        #expect(lent == expected)
    }

    @Test func `no prefix and no one-byte change of a document makes the parser crash`() throws {
        let document = Array(#"{"ref":"refs\/heads\u002fmain","n":[-1.5e3,0,true,null],"é":"\ud83d\ude00"}"#.utf8)
        let whole = try JSONValue.parse(document)
        for length in 0..<document.count { #expect(throws: JSONError.self) { try JSONValue.parse(document[..<length]) } }
        var same = 0
        for index in document.indices {
            for value in UInt8.min...UInt8.max where value != document[index] {
                var changed = document
                changed[index] = value
                if let read = try? JSONValue.parse(changed), read == whole { same += 1 }
            }
        }
        // The upper-case spellings of the hexadecimal digits f, d, d and e, d of the three escapes.
        #expect(same == 5)
    }
}
