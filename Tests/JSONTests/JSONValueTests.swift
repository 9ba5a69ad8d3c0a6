import JSON
import Testing

struct JSONValueTests {
    @Test func `strings and names are compared byte for byte`() throws {
        let composed = "\u{e9}"
        let decomposed = "e\u{301}"
        #expect(JSONValue.string(composed) != .string(decomposed))
        let object = try JSONValue.parse("{\"\(composed)\":1}".utf8)
        #expect(object[composed] == .integer(1))
        #expect(object[decomposed] == nil)
    }

    @Test func `members count in any order, elements in theirs`() throws {
        #expect(try JSONValue.parse(#"{"a":1,"b":2}"#.utf8) == JSONValue.parse(#"{"b":2,"a":1}"#.utf8))
        #expect(try JSONValue.parse(#"{"a":1,"b":2}"#.utf8) != JSONValue.parse(#"{"a":1}"#.utf8))
        #expect(try JSONValue.parse("[1,2]".utf8) != JSONValue.parse("[2,1]".utf8))
        #expect(try JSONValue.parse("1".utf8) != JSONValue.parse(#""1""#.utf8))
        #expect(try JSONValue.parse("null".utf8) != JSONValue.parse("false".utf8))
    }

    @Test func `a number keeps its digits`() throws {
        func number(_ text: String) throws -> JSONNumber { try #require(JSONValue.parse(text.utf8).number) }
        #expect(try number("9223372036854775807").int64 == .max)
        #expect(try number("9223372036854775808").int64 == nil)
        #expect(try number("9223372036854775808").text == "9223372036854775808")
        #expect(try number("1.0").int64 == nil)
        #expect(try number("1.25").double == 1.25)
        #expect(try number("1e400").double == nil)
    }

    @Test func `members keep their order`() throws {
        let object = try #require(JSONValue.parse(#"{"z":1,"a":2,"m":3}"#.utf8).object)
        #expect(object.members.map(\.name) == ["z", "a", "m"])
    }
}

struct JSONPointerTests {
    /// The document and the answers of RFC 6901 section 5.
    private static let document =
        #"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#

    @Test(arguments: [
        ("/foo", #"["bar","baz"]"#), ("/foo/0", #""bar""#), ("/foo/1", #""baz""#), ("/", "0"), ("/a~1b", "1"), ("/c%d", "2"),
        ("/e^f", "3"), ("/g|h", "4"), ("/i\\j", "5"), ("/k\"l", "6"), ("/ ", "7"), ("/m~0n", "8"),
    ])
    func `the examples of RFC 6901`(pointer: String, expected: String) throws {
        let document = try JSONValue.parse(Self.document.utf8)
        #expect(try JSONPointer(pointer).value(in: document) == JSONValue.parse(expected.utf8))
    }

    @Test func `the empty pointer is the whole document`() throws {
        let document = try JSONValue.parse(Self.document.utf8)
        #expect(try JSONPointer("").value(in: document) == document)
    }

    @Test(arguments: [
        "/nothing", "/foo/2", "/foo/-", "/foo/01", "/foo/+1", "/foo/", "/foo/0/x", "/foo/99999999999999999999", "/foo/٠", "//",
        "/FOO",
    ])
    func `what is not there is nil`(pointer: String) throws {
        #expect(try JSONPointer(pointer).value(in: JSONValue.parse(Self.document.utf8)) == nil)
    }

    @Test(arguments: ["foo", "#/foo", "/~", "/~2", "/a~", "/a/~x", " /foo"])
    func `a malformed pointer is refused`(pointer: String) {
        #expect(throws: JSONError.self) { try JSONPointer(pointer) }
    }

    @Test func `~01 is a tilde and a one`() throws {
        let document = try JSONValue.parse(#"{"~1":1,"/":2}"#.utf8)
        #expect(try JSONPointer("/~01").value(in: document) == .integer(1))
        #expect(try JSONPointer("/~1").value(in: document) == .integer(2))
    }

    @Test func `a combining mark behind a slash belongs to the name`() throws {
        let document = try JSONValue.parse("{\"\u{301}a\":{\"\u{301}\":1}}".utf8)
        #expect(try JSONPointer("/\u{301}a/\u{301}").value(in: document) == .integer(1))
    }
}
