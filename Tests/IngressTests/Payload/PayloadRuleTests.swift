import NIOCore
import NIOHTTP1
import Testing

@testable import Ingress

/// A hook's payload from its content type to a parameter, with what is refused on the way.
@Suite struct PayloadRuleTests {
    private func intent(_ settings: String, _ types: [String], _ body: [UInt8]) throws -> String? {
        let headers = HTTPHeaders(types.map { ("Content-Type", $0) })
        let delivery = Delivery(headers: headers, query: [], body: ByteBuffer(bytes: body), receivedAt: Samples.now)
        return try JobIntent(delivery, for: Samples.hook(settings)).request.parameters["a"]
    }

    private func value(_ settings: String, _ type: String, _ body: String) throws -> String? {
        try intent(settings, [type], Array(body.utf8))
    }

    private func status(_ settings: String, _ types: [String], _ body: [UInt8] = []) -> Int? {
        Rejection.of { try intent(settings, types, body) }.map { Int($0.answer.status.code) }
    }

    private let all = "payload: [json, form, multipart, xml, text], parameters: {a: {payload: '', default: none}}"

    @Test func `each form leads to a value`() throws {
        #expect(try value("payload: json, parameters: {a: {payload: /a/b}}", "application/json", #"{"a": {"b": 1}}"#) == "1")
        #expect(try value("payload: form, parameters: {a: {payload: /a}}", "application/x-www-form-urlencoded", "a=x+y") == "x y")
        #expect(
            try value(
                "payload: multipart, parameters: {a: {payload: /a}}", "multipart/form-data; boundary=\"b c\"",
                "--b c\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b c--\r\n") == "x")
        #expect(try value("payload: xml, parameters: {a: {payload: /r/i/1/@id}}", "text/xml", "<r><i/><i id='7'/></r>") == "7")
        #expect(try value("payload: text, parameters: {a: {payload: ''}}", "text/plain; charset=utf-8", "line\n") == "line\n")
    }

    @Test func `a form's field may hold the JSON that is the payload, as GitHub's does`() throws {
        let settings = "payload: [json, form, multipart], form-field: payload, parameters: {a: {payload: /ref}}"
        let form = "application/x-www-form-urlencoded"
        #expect(try value(settings, form, "payload=%7B%22ref%22%3A%22main%22%7D&ref=other") == "main")
        #expect(try value(settings, "application/json", #"{"ref": "main"}"#) == "main")
        let multipart = "--b\r\nContent-Disposition: form-data; name=payload\r\n\r\n{\"ref\": \"main\"}\r\n--b--"
        #expect(try value(settings, "multipart/form-data; boundary=b", multipart) == "main")
        for body in [
            "", "ref=main", "payload=", "payload=x", "payload={}&payload={}", "payload=%7B%22ref%22%3A1%2C%22ref%22%3A2%7D",
        ] {
            #expect(status(settings, [form], Array(body.utf8)) == 400, "\(body)")
        }
        let refused = Rejection.of { try value(settings, form, "x=1&payload=%7B%22s3cret") }
        #expect(refused?.detail == "the body is not a form: the field payload is not JSON: a string does not end at byte 8 of it")
        #expect(refused?.answer.text.contains("s3cret") == false)
        // A file is no field.
        let file = "--b\r\nContent-Disposition: form-data; name=payload; filename=x\r\n\r\n{}\r\n--b--"
        #expect(status(settings, ["multipart/form-data; boundary=b"], Array(file.utf8)) == 400)
    }

    @Test(
        arguments: [
            ("json", "application/json"), ("json", "application/vnd.github+json"), ("json", "Application/JSON;charset=latin1"),
            ("form", "application/x-www-form-urlencoded"), ("form", "application/x-www-form-urlencoded; charset=UTF-8"),
            ("multipart", "multipart/form-data; boundary=b"), ("xml", "application/xml"), ("xml", "text/xml; charset=\"utf-8\""),
            ("xml", "application/soap+xml;"), ("text", "text/plain"), ("text", "text/plain; charset=us-ascii; format=flowed"),
        ])
    func `a content type belongs to one form`(form: String, type: String) {
        for other in PayloadForm.allCases {
            let isRefused = status("payload: \(other.rawValue)", [type]) == 415
            #expect(isRefused == (other.rawValue != form), "\(other)")
        }
        #expect(status(all, [type]) != 415)
    }

    @Test(
        arguments: [
            [], [""], ["application/octet-stream"], ["text/html"], ["multipart/mixed; boundary=b"], ["application/jsonx"],
            ["text/plain; charset=utf-16"], ["text/xml; charset=iso-8859-1"], ["application/x-www-form-urlencoded; charset=gbk"],
            ["multipart/form-data; boundary=a; boundary=b"], ["application/json, text/plain"],
            ["application/json", "text/plain"], ["application/json", "application/json"], ["application/json; charset"],
            ["application/json; =x"], ["application/json x"], ["text/plain; charset=\"utf-8"], ["/", "json"],
        ])
    func `any other, none, and what could be read two ways is 415`(types: [String]) {
        #expect(status(all, types, Array("{}".utf8)) == 415)
    }

    @Test(
        arguments: [
            ("application/json", "{"), ("application/x-www-form-urlencoded", "a=%"), ("multipart/form-data; boundary=b", "--c--"),
            ("multipart/form-data", "--b--"), ("application/xml", "<a>"), ("text/plain", "a\u{0}"),
        ])
    func `a body that is not what it says is 400, says where, and does not repeat it`(type: String, body: String) {
        let refused = Rejection.of { try value(all, type, body) }
        #expect(refused?.answer.status == .badRequest)
        #expect(refused?.outcome == "unparsable")
        #expect(refused?.detail.contains("at byte") == (type != "multipart/form-data"))
    }

    @Test func `plain text is UTF-8`() {
        #expect(status(all, ["text/plain"], [0x61, 0xff]) == 400)
        #expect(status(all, ["text/plain"], []) == nil)
        #expect(
            Rejection.of { try intent(all, ["text/plain"], [0x61, 0xff]) }?.detail
                == "the body is not plain text: a text that is not UTF-8 at byte 1")
    }

    @Test func `forms that are written out are demanded, though nothing is taken from them`() {
        #expect(status("payload: xml", ["application/xml"], Array("<a/>".utf8)) == nil)
        #expect(status("payload: xml", ["application/xml"], Array("<a>".utf8)) == 400)
        #expect(status("payload: xml", ["application/json"]) == 415)
        #expect(status("", ["application/json"], Array("<a>".utf8)) == nil)
    }

    @Test func `an error says which forms there are`() {
        let refused = Rejection.of { try value("payload: [json, xml]", "text/plain", "") }
        #expect(refused?.detail == "this hook reads JSON or XML, the delivery has \"text/plain\"")
        #expect(
            Rejection.of { try intent("payload: text", [], []) }?.detail
                == "this hook reads plain text, the delivery has no content type")
    }
}
