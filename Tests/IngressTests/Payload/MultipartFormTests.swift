import JSON
import Testing

@testable import Ingress

@Suite struct MultipartFormTests {
    /// The fields as JSON, or why there are none; LF stands for CRLF unless `isRaw`.
    private func read(_ text: String, boundary: String? = "b", isRaw: Bool = false) -> String {
        read(
            Array((isRaw ? text : text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")).utf8),
            boundary)
    }

    private func read(_ bytes: [UInt8], _ boundary: String? = "b") -> String {
        do throws(PayloadError) {
            return "\(try MultipartForm.read(bytes, boundary: boundary))"
        } catch {
            return "! \(error)"
        }
    }

    private func part(_ header: String, _ content: String = "1") -> String { "--b\n\(header)\n\n\(content)\n--b--\n" }

    private let named = "Content-Disposition: form-data; name=\"a\""

    @Test func `a field is a member, a repeated one an array`() {
        #expect(read("--b\n\(named)\n\n1\n--b--") == #"{"a":"1"}"#)
        #expect(read("--b\n\(named)\n\n1\n--b--\n") == #"{"a":"1"}"#)
        #expect(read("--b\n\(named)\n\n1\n--b\n\(named)\n\n2\n--b--\n") == #"{"a":["1","2"]}"#)
        #expect(read("--b\n\(named)\n\n\n--b--\n") == #"{"a":""}"#)
        #expect(read("--b\n\(named)\n\n\nx\n\n--b--\n") == #"{"a":"\r\nx\r\n"}"#)
        #expect(read("--b--\n") == "{}")
    }

    @Test(
        arguments: [
            ("content-disposition:form-data;name=a", #"{"a":"1"}"#),
            ("CONTENT-DISPOSITION: FORM-DATA; NAME=\"a\"", #"{"a":"1"}"#),
            ("Content-Disposition: form-data; name=\"é\"", #"{"é":"1"}"#),
            (#"Content-Disposition: form-data; name="a\"b""#, #"{"a\"b":"1"}"#),
            ("Content-Disposition: form-data; name=\"a;b=c\"", #"{"a;b=c":"1"}"#),
            ("Content-Disposition: form-data; name=\"\"", #"{"":"1"}"#),
            ("Content-Disposition: form-data; name=a\nContent-Type: text/plain; charset=UTF-8", #"{"a":"1"}"#),
            ("X-Other: \"\nContent-Disposition: form-data; name=a", #"{"a":"1"}"#),
            ("Content-Disposition: form-data; name=a\nContent-Transfer-Encoding: binary", #"{"a":"1"}"#),
        ])
    func `a part says its name`(header: String, expected: String) {
        #expect(read(part(header)) == expected)
    }

    @Test func `of a file there is its name and its size, and its bytes may be any`() {
        let head = "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x.bin\"\r\nContent-Type: image/png\r\n\r\n"
        let bytes = Array(head.utf8) + [0, 0xff, 0x0a, 0x0d] + Array("\r\n--b--\r\n".utf8)
        #expect(read(bytes) == #"{"a":{"filename":"x.bin","size":4}}"#)
    }

    @Test(
        arguments: [
            ("Content-Disposition: form-data", "a part without its name at byte 5"),
            ("Content-Type: text/plain", "a part without its name at byte 5"),
            ("Content-Disposition: attachment; name=a", "a part without its one Content-Disposition: form-data at byte 5"),
            ("Content-Disposition: form-data; name=a; name=b", "a part without its one Content-Disposition: form-data at byte 5"),
            ("Content-Disposition: form-data; name=\"a", "a part without its one Content-Disposition: form-data at byte 5"),
            (
                "Content-Disposition: form-data; name=a\nContent-Disposition: form-data; name=b",
                "a part without its one Content-Disposition: form-data at byte 45"
            ),
            ("Content-Disposition: form-data; name*=UTF-8''a", "a part without its name at byte 5"),
            (" Content-Disposition: form-data; name=a", "a part's header that is none at byte 5"),
            ("Content-Disposition : form-data; name=a", "a part's header that is none at byte 5"),
            ("Content-Disposition: form-data;\n name=a", "a part's header that is none at byte 38"),
            ("nothing", "a part's header that is none at byte 5"),
            (
                "Content-Disposition: form-data; name=a\nContent-Transfer-Encoding: base64",
                "a part with a transfer encoding (RFC 7578 section 4.7) at byte 45"
            ),
            (
                "Content-Disposition: form-data; name=a\nContent-Type: text/plain; charset=utf-16",
                "a part's Content-Type that is none, or not UTF-8 at byte 45"
            ),
        ])
    func `a part that does not is refused`(header: String, message: String) {
        #expect(read(part(header)) == "! \(message)")
    }

    @Test(
        arguments: [
            ("", "the body does not begin with its boundary at byte 0"),
            ("\n--b--", "the body does not begin with its boundary at byte 0"),
            ("preamble\n--b--", "the body does not begin with its boundary at byte 0"), ("--B--", "the body does not begin"),
            ("--b", "something follows a boundary at byte 3"), ("--b \n", "something follows a boundary at byte 3"),
            ("--bb\n", "something follows a boundary at byte 3"), ("--b-", "something follows a boundary at byte 3"),
            ("--b--x", "something follows the last boundary at byte 5"),
            ("--b--\n\n", "something follows the last boundary at byte 7"),
            ("--b--\n--b--", "something follows the last boundary at byte 7"),
            ("--b\n", "a part's header does not end at byte 5"),
            ("--b\n--b--\n", "a part's header that is none at byte 5"), ("--b\nA: b\n\n1", "the last boundary is missing"),
            ("--b\nContent-Disposition: form-data; name=a\n\n1", "the last boundary is missing at byte 48"),
            ("--b\nContent-Disposition: form-data; name=a\n\n1--b--", "the last boundary is missing at byte 53"),
            // The CRLF before a boundary is the boundary's: it cannot be that of the empty line too.
            ("--b\nContent-Disposition: form-data; name=a\n\n--b--", "the last boundary is missing"),
            ("--b\nContent-Disposition: form-data; name=a\n\n1\n--bx\n--b--", "something follows a boundary at byte 53"),
            ("--b\nContent-Disposition: form-data; name=a\n\n1\n--b-\n--b--", "something follows a boundary at byte 53"),
        ])
    func `boundaries stand where they must and nowhere else`(body: String, message: String) {
        let found = read(body)
        #expect(
            found.hasPrefix("! ")
                && (found.dropFirst(2).hasPrefix(message) || message.hasPrefix("the last") && found.contains("a part")))
    }

    @Test func `a bare line feed before a boundary is refused, in content it is content`() {
        let head = "--b\r\n\(named)\r\n\r\n"
        #expect(read("\(head)x\ny\r\n--b--", isRaw: true) == #"{"a":"x\ny"}"#)
        #expect(read("\(head)x\n--b--\r\n--b--", isRaw: true).hasPrefix("! a boundary that is not behind CRLF"))
        #expect(read("\(head)\n--b--\r\n--b--", isRaw: true).hasPrefix("! a boundary that is not behind CRLF"))
        #expect(read("--b\n\(named)\n\n1\n--b--", isRaw: true) == "! something follows a boundary at byte 3")
        #expect(
            read("--b\r\n\(named)\n\r\n1\r\n--b--", isRaw: true).hasPrefix(
                "! a line of a part's header that does not end in CRLF"))
        #expect(
            read("--b\r\n\(named)\r\r\n1\r\n--b--", isRaw: true).hasPrefix(
                "! a line of a part's header that does not end in CRLF"))
        // A boundary inside a line is content.
        #expect(read("\(head)x--b--\r\n--b--", isRaw: true) == #"{"a":"x--b--"}"#)
    }

    @Test(arguments: [nil, "", " ", "a ", "a\"b", "é", "a\nb", "a;b", String(repeating: "b", count: 71)])
    func `a boundary is 1 to 70 of some characters`(boundary: String?) {
        #expect(read("--\(boundary ?? "")--", boundary: boundary, isRaw: true).hasPrefix("! the "))
        let longest = String(repeating: "b", count: 70)
        #expect(read("--\(longest)--", boundary: longest) == "{}")
    }

    @Test func `text is UTF-8 without a NUL`() {
        let head = Array("--b\r\n\(named)\r\n\r\n".utf8)
        #expect(read(head + [0xff] + Array("\r\n--b--".utf8)) == "! a text that is not UTF-8 at byte \(head.count)")
        #expect(read(head + [0x61, 0] + Array("\r\n--b--".utf8)) == "! a NUL at byte \(head.count + 1)")
        #expect(read(Array("--b\r\nContent-Disposition: form-data; name=\"\u{0}\"\r\n\r\n".utf8)).hasPrefix("! a NUL"))
    }

    @Test func `a form has 256 parts`() {
        func form(_ count: Int) -> String { String(repeating: "--b\n\(named)\n\n\n", count: count) + "--b--" }
        #expect(!read(form(256)).hasPrefix("!"))
        #expect(read(form(257)).hasPrefix("! more than 256 parts"))
    }

    @Test func `a part's header has 4096 bytes, and a name 1024`() {
        func form(_ count: Int) -> String {
            // Each line with its CRLF, the empty one too.
            let rest = "\(named)\r\nX: \r\n\r\n".utf8.count
            return part("\(named)\nX: " + String(repeating: "x", count: count - rest))
        }
        #expect(!read(form(4096)).hasPrefix("!"))
        #expect(read(form(4097)).hasPrefix("! a part's header of more than 4096 bytes"))
        func name(_ count: Int) -> String { part("Content-Disposition: form-data; name=" + String(repeating: "n", count: count)) }
        #expect(!read(name(1024)).hasPrefix("!"))
        #expect(read(name(1025)) == "! a field's name of more than 1024 bytes at byte 5")
    }

    @Test func `no prefix of a form is a form, and no change of a byte ends the process`() throws {
        let form = Array("--b\r\n\(named); filename=f\r\n\r\n1\r\n--b\r\n\(named)\r\n\r\n2\r\n--b--".utf8)
        for length in form.indices { #expect(read(Array(form[..<length])).hasPrefix("!")) }
        for index in form.indices {
            for byte in [0, 0x0a, 0x0d, 0x20, 0x22, 0x2d, 0x3a, 0x3b, 0x62, 0xff] as [UInt8] {
                var changed = form
                changed[index] = byte
                _ = read(changed)
            }
        }
    }
}
