import JSON
import Testing

@testable import Telemetry

@Suite struct TraceExportTests {
    private static let caller = TraceContext(headers: ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"])

    private func document(_ spans: [Span]) -> String {
        String(decoding: TraceExport(service: "sallyport-executor", version: "0.1.0").document(spans), as: UTF8.self)
    }

    @Test func `a span is as the JSON mapping of OTLP has it`() throws {
        let caller = try #require(Self.caller)
        let context = try #require(caller.span("b7ad6b7169203331"))
        let span = Span(
            "job deploy", .consumer, context, in: caller, isParentRemote: true, from: 1_750_000_000_123, to: 1_750_000_001_000,
            failure: "failed: exit-code", [("sallyport.job.name", .string("deploy")), ("process.exit.code", .int(3))])
        #expect(
            document([span])
                == #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"sallyport-executor"}},"#
                + #"{"key":"service.version","value":{"stringValue":"0.1.0"}}]},"#
                + #""scopeSpans":[{"scope":{"name":"sallyport","version":"0.1.0"},"spans":[{"#
                + #""traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"b7ad6b7169203331","parentSpanId":"00f067aa0ba902b7","#
                + #""flags":769,"name":"job deploy","kind":5,"#
                + #""startTimeUnixNano":"1750000000123000000","endTimeUnixNano":"1750000001000000000","#
                + #""attributes":[{"key":"sallyport.job.name","value":{"stringValue":"deploy"}},"#
                + #"{"key":"process.exit.code","value":{"intValue":"3"}}],"#
                + #""status":{"message":"failed: exit-code","code":2}}]}]}]}"#)
    }

    @Test func `the first span of a trace has no parent, and a good one no status`() throws {
        let context = TraceContext.child(of: nil)
        let root = Span("a", .client, context, in: nil, isParentRemote: false, from: 2, to: 1, failure: nil, [])
        let text = document([root, root])
        #expect(!text.contains("parentSpanId"))
        #expect(text.contains(#""flags":257,"name":"a","kind":3,"startTimeUnixNano":"2000000","endTimeUnixNano":"2000000""#))
        let spans = try JSONValue.parse(Array(text.utf8))["resourceSpans"]?.array?.first?["scopeSpans"]?.array?.first?["spans"]
        #expect(spans?.array?.count == 2)
        #expect(spans?.array?.first?["status"] == .object(JSONObject([])))
    }

    @Test func `a document is one line, whatever is in a name`() throws {
        let span = Span(
            "a\n\"b\"", .client, .child(of: nil), in: nil, isParentRemote: false, from: 0, to: 1, failure: "\u{2028}", [])
        #expect(!document([span]).contains { $0.isNewline })
        #expect(throws: Never.self) { try JSONValue.parse(Array(document([span]).utf8)) }
    }
}
