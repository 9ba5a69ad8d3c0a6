import JSON
import Testing

@testable import Ingress

@Suite struct ValueSourceTests {
    /// The value, or the message that says why there is none.
    private func value(_ source: ValueSource, _ delivery: Delivery = Samples.delivery(), _ payload: String = "{}") -> String {
        do throws(ValueError) {
            return try source.value(in: delivery, payload: try? JSONValue.parse(payload.utf8))
        } catch {
            return "! \(error.message)"
        }
    }

    private func payload(_ pointer: String) throws -> ValueSource { .payload(try JSONPointer(pointer), text: pointer) }

    @Test func `a literal is itself`() {
        #expect(value(.literal("main")) == "main")
        #expect(value(.literal("")) == "")
    }

    @Test(
        arguments: [
            ("/after", "4f2c"), ("/repository/full_name", "acme/shop"), ("/number", "12345678901234567890.10"), ("/ok", "true"),
            ("/no", "false"), ("/list/1", "b"), ("/empty", ""), ("/a~1b", "c"), ("/text", "a\nb\u{0}c"),
        ])
    func `strings are taken as they are, numbers as they were written`(pointer: String, expected: String) throws {
        let document = #"""
            {"after": "4f2c", "repository": {"full_name": "acme/shop"}, "number": 12345678901234567890.10, "ok": true, "no": false,
             "list": ["a", "b"], "empty": "", "a/b": "c", "text": "a\nb\u0000c"}
            """#
        #expect(try value(payload(pointer), Samples.delivery(), document) == expected)
    }

    @Test(
        arguments: [
            ("/missing", "payload has nothing at /missing"), ("/list/2", "payload has nothing at /list/2"),
            ("/list", "payload has no single value at /list"), ("/map", "payload has no single value at /map"),
            ("/nil", "payload has null at /nil"), ("", "payload has no single value at "),
        ])
    func `what is no single value is an error that names the place`(pointer: String, message: String) throws {
        let document = #"{"list": ["a", "b"], "map": {}, "nil": null}"#
        #expect(try value(payload(pointer), Samples.delivery(), document) == "! \(message)")
    }

    @Test func `a header is found in any case`() {
        let delivery = Samples.delivery("{}", [("X-GitHub-Event", "push")])
        #expect(value(.header("x-github-event"), delivery) == "push")
        #expect(value(.header("X-GITHUB-EVENT"), delivery) == "push")
    }

    @Test func `a header that is missing or repeated is an error`() {
        let delivery = Samples.delivery("{}", [("X-Ref", "a"), ("x-ref", "b")])
        #expect(value(.header("X-Ref"), delivery) == "! header X-Ref is there more than once")
        #expect(value(.header("X-None"), delivery) == "! header X-None is missing")
    }

    @Test func `a query parameter is found by its exact name, and only once`() {
        let delivery = Samples.delivery(query: "env=prod&a=1&a=2&empty=")
        #expect(value(.query("env"), delivery) == "prod")
        #expect(value(.query("empty"), delivery) == "")
        #expect(value(.query("ENV"), delivery) == "! query parameter ENV is missing")
        #expect(value(.query("a"), delivery) == "! query parameter a is there more than once")
    }
}
