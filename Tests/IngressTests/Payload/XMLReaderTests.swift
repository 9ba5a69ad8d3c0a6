import JSON
import Testing

@testable import Ingress

@Suite struct XMLReaderTests {
    /// The document as JSON, or why there is none.
    private func read(_ text: String, _ limits: XMLLimits = XMLLimits()) -> String { read(Array(text.utf8), limits) }

    private func read(_ bytes: [UInt8], _ limits: XMLLimits = XMLLimits()) -> String {
        do throws(PayloadError) {
            return "\(try XMLReader.read(bytes, limits: limits))"
        } catch {
            return "! \(error)"
        }
    }

    @Test(
        arguments: [
            ("<a/>", #"{"a":""}"#), ("<a></a>", #"{"a":""}"#), ("<a>x</a>", #"{"a":"x"}"#), ("<a> x </a>", #"{"a":" x "}"#),
            ("<a>\n</a >", #"{"a":"\n"}"#), ("<a b=\"1\"/>", #"{"a":{"@b":"1"}}"#),
            ("<a b = '1' c=\"2\">x</a>", ##"{"a":{"@b":"1","@c":"2","#text":"x"}}"##),
            ("<a> <b>1</b> <c>2</c> </a>", #"{"a":{"b":"1","c":"2"}}"#),
            ("<a><b>1</b><c/><b>2</b></a>", #"{"a":{"b":["1","2"],"c":""}}"#),
            ("<a>x<b/>y</a>", ##"{"a":{"b":"","#text":"xy"}}"##), ("<a b=''> </a>", #"{"a":{"@b":""}}"#),
            ("<a:b xmlns:a=\"u\"><a:c/></a:b>", #"{"a:b":{"@xmlns:a":"u","a:c":""}}"#), ("<é>ü</é>", #"{"é":"ü"}"#),
            ("<a b='1'><b>2</b></a>", #"{"a":{"@b":"1","b":"2"}}"#), ("<a.b-c_1/>", #"{"a.b-c_1":""}"#),
        ])
    func `elements, attributes and text have their places`(document: String, expected: String) {
        #expect(read(document) == expected)
    }

    @Test(
        arguments: [
            ("<?xml version=\"1.0\"?><a/>", #"{"a":""}"#),
            ("<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<a/>\n", #"{"a":""}"#),
            ("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>", #"{"a":""}"#),
            ("<!-- x - y --> <a/> <!---->", #"{"a":""}"#),
            ("<a>m<!-- c -->ain</a>", #"{"a":"main"}"#), ("<a><![CDATA[<b>&amp;]]]]></a>", #"{"a":"<b>&amp;]]"}"#),
            ("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#xe9;&#x1F600;</a>", #"{"a":"<>&\"'ABé😀"}"#),
            ("<a b='&lt;&#10;x&#x9;'/>", #"{"a":{"@b":"<\nx\t"}}"#), ("<a b='x\r\ny\tz\n'/>", #"{"a":{"@b":"x y z "}}"#),
            ("<a>x\r\ny\rz</a>", #"{"a":"x\ny\nz"}"#), ("<a>]] ></a>", #"{"a":"]] >"}"#),
            ("<a b='>'>></a>", ##"{"a":{"@b":">","#text":">"}}"##),
        ])
    func `the rest of the language that is accepted`(document: String, expected: String) {
        #expect(read(document) == expected)
    }

    @Test(
        arguments: [
            ("", "no element at byte 0"), ("x", "no element at byte 0"), ("<a>", "an element does not end at byte 3"),
            ("<a", "no white space before an attribute at byte 2"), ("<a/><b/>", "something follows the document at byte 4"),
            ("<a/>x", "something follows the document at byte 4"), ("<a></b>", "an end tag that is not of its element at byte 6"),
            ("<a></a x>", "a malformed end tag at byte 7"), ("</a>", "no name at byte 1"), ("< a/>", "no name at byte 1"),
            ("<1/>", "no name at byte 1"), ("<-a/>", "no name at byte 1"),
            ("<a b/>", "no = behind an attribute's name at byte 4"),
            ("<a b=1/>", "an attribute's value without quotes at byte 5"),
            ("<a b='1'c='2'/>", "no white space before an attribute at byte 8"),
            ("<a b='1' b='2'/>", "an attribute repeats at byte 9"), ("<a b='<'/>", "< in an attribute's value at byte 6"),
            ("<a b='1/>", "an attribute's value does not end at byte 9"), ("<a>]]></a>", "]]> in text at byte 3"),
            ("<a><!-- -- --></a>", "-- in a comment at byte 10"), ("<a><!-- --->", "-- in a comment at byte 10"),
            ("<!-- ", "a comment does not end at byte 5"), ("<a><![CDATA[x", "a CDATA section does not end at byte 13"),
            ("<a><b></a></b>", "an end tag that is not of its element at byte 9"),
            (" <?xml version='1.0'?><a/>", "a processing instruction at byte 1"),
            ("<?xml?><a/>", "a processing instruction at byte 0"),
            ("<?xml version='1.1'?><a/>", "a version that is not 1.0 at byte 19"),
            ("<?xml version='1.0' encoding='UTF-16'?><a/>", "an encoding that is not UTF-8 at byte 37"),
            ("<?xml encoding='UTF-8'?><a/>", "a version that is not 1.0 at byte 5"),
            ("<?xml version='1.0' standalone='maybe'?><a/>", "a malformed declaration at byte 38"),
            ("<?xml version='1.0' x='1'?><a/>", "a malformed declaration at byte 20"),
            ("<a><?php x ?></a>", "a processing instruction at byte 3"), ("<a/><?x?>", "a processing instruction at byte 4"),
            ("<a><!ELEMENT b></a>", "unknown markup at byte 3"), ("<![CDATA[x]]>", "unknown markup at byte 0"),
        ])
    func `what is not well-formed, or not in the subset, is refused with its place`(document: String, message: String) {
        #expect(read(document) == "! \(message)")
    }

    @Test(arguments: [
        "&#0;", "&#x0;", "&#1;", "&#x1f;", "&#xD800;", "&#xFFFE;", "&#xFFFF;", "&#x110000;", "&#99999999999;", "&#;", "&#x;",
        "&#-1;",
        "&#+65;", "&# 65;", "&#X41;",
    ])
    func `a reference is to a character of XML`(reference: String) {
        #expect(read("<a>\(reference)</a>") == "! a reference to no character of XML at byte 3")
        #expect(read("<a b='\(reference)'/>") == "! a reference to no character of XML at byte 6")
    }

    @Test func `there is no entity but the five`() {
        for entity in ["&nbsp;", "&LT;", "&lol;", "&;", "&a.b;"] {
            #expect(read("<a>\(entity)</a>") == "! an entity that is none of the five at byte 3", "\(entity)")
        }
        for text in ["& ", "&amp", "&abcdefghijklm;", "&", "&#00000000000000065;"] {
            #expect(read("<a>\(text)</a>").hasPrefix("! "), "\(text)")
        }
        #expect(read("<a>&") == "! a reference that does not end at byte 3")
    }

    @Test func `a billion laughs and a stranger's file are refused before they are looked at`() {
        let laughs = """
            <?xml version="1.0"?>
            <!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
            <lolz>&lol2;</lolz>
            """
        #expect(read(laughs) == "! a document type at byte 22")
        #expect(read("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>") == "! a document type at byte 0")
        #expect(read("<!DOCTYPE a [<!ENTITY % x SYSTEM \"http://x/\"> %x;]><a/>") == "! a document type at byte 0")
        #expect(read("<a><!DOCTYPE a></a>") == "! a document type at byte 3")
    }

    @Test func `bytes are UTF-8 and characters of XML`() {
        for (bytes, message) in [
            ([0xff], "a text that is not UTF-8 at byte 3"), ([0xc0, 0xaf], "a text that is not UTF-8 at byte 3"),
            ([0xed, 0xa0, 0x80], "a text that is not UTF-8 at byte 3"), ([0], "a character that XML does not have at byte 3"),
            ([0x1b], "a character that XML does not have at byte 3"),
            ([0xef, 0xbf, 0xbe], "a character that XML does not have at byte 5"),
            ([0xef, 0xbf, 0xbf], "a character that XML does not have at byte 5"),
        ] as [([UInt8], String)] {
            #expect(read(Array("<a>".utf8) + bytes + Array("</a>".utf8)) == "! \(message)")
        }
        #expect(read(Array("<a>".utf8) + [0xef, 0xbf, 0xbd] + Array("</a>".utf8)) == "{\"a\":\"\u{fffd}\"}")
        // UTF-16 with its mark.
        #expect(read([0xff, 0xfe, 0x3c, 0, 0x61, 0, 0x2f, 0, 0x3e, 0]) == "! a text that is not UTF-8 at byte 0")
    }

    @Test func `depth is accepted up to the limit and refused beyond it`() {
        func nested(_ depth: Int) -> String { String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth) }
        #expect(!read(nested(64)).hasPrefix("!"))
        #expect(read(nested(65)) == "! more than 64 levels at byte 192")
        #expect(read(String(repeating: "<a>", count: 1_000_000)) == "! more than 64 levels at byte 192")
    }

    @Test func `elements and attributes are counted together`() {
        let limits = XMLLimits(values: 4)
        #expect(!read("<a b='1'><c/><c/></a>", limits).hasPrefix("!"))
        #expect(read("<a b='1'><c/><c/><c/></a>", limits) == "! more than 4 elements and attributes at byte 17")
        #expect(read("<a b='1' c='2' d='3' e='4'/>", limits).hasPrefix("! more than 4 elements and attributes"))
        #expect(XMLLimits().values == 200_000)
    }

    @Test func `an element has 128 attributes, and a name 256 bytes`() {
        func attributes(_ count: Int) -> String { "<a " + (0..<count).map { "b\($0)=''" }.joined(separator: " ") + "/>" }
        #expect(!read(attributes(128)).hasPrefix("!"))
        #expect(read(attributes(129)).hasPrefix("! more than 128 attributes"))
        func name(_ count: Int) -> String { "<\(String(repeating: "n", count: count))/>" }
        #expect(!read(name(256)).hasPrefix("!"))
        #expect(read(name(257)) == "! a name of more than 256 bytes at byte 1")
    }

    @Test func `many children of one name, and of many, take no longer than their number`() throws {
        let same = "<a>" + String(repeating: "<b/>", count: 100_000) + "</a>"
        #expect(try XMLReader.read(Array(same.utf8))["a"]?["b"]?.array?.count == 100_000)
        let different = "<a>" + (0..<100_000).map { "<b\($0)/>" }.joined() + "</a>"
        #expect(try XMLReader.read(Array(different.utf8))["a"]?.object?.members.count == 100_000)
    }

    @Test func `no prefix of a document is one, and no change of a byte ends the process`() {
        let document = Array("<?xml version='1.0'?><a b='&lt;'>é&#65;<![CDATA[x]]><!-- c --><d/></a>".utf8)
        for length in document.indices { #expect(read(Array(document[..<length])).hasPrefix("!")) }
        for index in document.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = document
                changed[index] = byte
                _ = read(changed)
            }
        }
    }
}
