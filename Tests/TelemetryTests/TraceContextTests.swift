import Telemetry
import Testing

/// Cases of the W3C's own test suite (w3c/trace-context, test/test.py).
@Suite struct TraceContextTests {
    @Test(arguments: [
        "00-12345678901234567890123456789012-1234567890123456-01",
        "cc-12345678901234567890123456789012-1234567890123456-01",
        "cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
        " 00-12345678901234567890123456789012-1234567890123456-01",
        "\t00-12345678901234567890123456789012-1234567890123456-01",
        "00-12345678901234567890123456789012-1234567890123456-01 ",
        "00-12345678901234567890123456789012-1234567890123456-01\t",
        "\t 00-12345678901234567890123456789012-1234567890123456-01 \t",
    ])
    func `a good header is the parent`(header: String) throws {
        let context = try #require(TraceContext(headers: [header]))
        #expect(context.traceID == "12345678901234567890123456789012")
        #expect(context.spanID == "1234567890123456")
        #expect(context.flags == 1)
        #expect(context.description == "00-12345678901234567890123456789012-1234567890123456-01")
    }

    @Test(arguments: [
        "", "00", "00-12345678901234567890123456789012-1234567890123456-01.",
        "00-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
        "cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be-like",
        "ff-12345678901234567890123456789012-1234567890123456-01",
        ".0-12345678901234567890123456789012-1234567890123456-01",
        "0.-12345678901234567890123456789012-1234567890123456-01",
        "000-12345678901234567890123456789012-1234567890123456-01",
        "0000-12345678901234567890123456789012-1234567890123456-01",
        "0-12345678901234567890123456789012-1234567890123456-01",
        "00-00000000000000000000000000000000-1234567890123456-01",
        "00-.2345678901234567890123456789012-1234567890123456-01",
        "00-1234567890123456789012345678901.-1234567890123456-01",
        "00-123456789012345678901234567890123-1234567890123456-01",
        "00-1234567890123456789012345678901-1234567890123456-01",
        "00-12345678901234567890123456789012-0000000000000000-01",
        "00-12345678901234567890123456789012-.234567890123456-01",
        "00-12345678901234567890123456789012-123456789012345.-01",
        "00-12345678901234567890123456789012-12345678901234567-01",
        "00-12345678901234567890123456789012-123456789012345-01",
        "00-12345678901234567890123456789012-1234567890123456-.0",
        "00-12345678901234567890123456789012-1234567890123456-0.",
        "00-12345678901234567890123456789012-1234567890123456-001",
        "00-12345678901234567890123456789012-1234567890123456-1",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
    ])
    func `a header that is not as specified is no parent`(header: String) {
        #expect(TraceContext(headers: [header]) == nil)
    }

    @Test func `two headers are no parent`() {
        let header = "00-12345678901234567890123456789012-1234567890123456-01"
        #expect(TraceContext(headers: [header, header]) == nil)
        #expect(TraceContext(headers: []) == nil)
    }

    @Test func `a child stays in the trace, has a span of its own, and is sampled as its parent`() throws {
        let parent = try #require(TraceContext(headers: ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff"]))
        let child = TraceContext.child(of: parent)
        #expect(child.traceID == parent.traceID)
        #expect(child.spanID != parent.spanID)
        #expect(child.flags == 1)
        let unsampled = try #require(TraceContext(headers: ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe"]))
        #expect(!TraceContext.child(of: unsampled).isSampled)
    }

    @Test func `another span of a trace has the id that is asked for, where it can be one`() throws {
        let context = try #require(TraceContext(headers: ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]))
        #expect(context.span("b7ad6b7169203331")?.description == "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01")
        for bad in ["", "0000000000000000", "b7ad6b716920333", "b7ad6b7169203331-", "B7AD6B7169203331"] {
            #expect(context.span(bad) == nil, "\(bad)")
        }
    }

    @Test func `a new trace has a header that is good and never the same`() throws {
        let traces = (0..<100).map { _ in TraceContext.child(of: nil) }
        for trace in traces { #expect(TraceContext(headers: [trace.description]) == trace) }
        #expect(traces.allSatisfy { $0.isSampled })
        #expect(Set(traces.map(\.traceID)).count == 100)
        #expect(Set(traces.map(\.spanID)).count == 100)
    }
}
