import Testing

@testable import Audit

struct AuditRecordTests {
    @Test func `a record is one line of JSON with its members in their order`() {
        let event = AuditEvent(
            .signature, at: 1_750_000_000_000, [("job", "a"), ("host", "web-1"), ("empty", ""), ("lease", 7)])
        #expect(
            String(decoding: AuditRecord(index: 3, event: event).bytes, as: UTF8.self)
                == #"{"index":3,"time":1750000000000,"kind":"signature","job":"a","host":"web-1","lease":7}"#)
    }

    @Test func `a record that was read is the one that was written`() throws {
        let record = SampleLog.record(5)
        #expect(try AuditRecord(record.bytes) == record)
        #expect(!record.bytes.contains(0x0a))
    }

    @Test func `a kind that is not known here is read all the same`() throws {
        #expect(try AuditRecord(#"{"index":0,"time":1,"kind":"invented","x":"y"}"#.utf8).event.kind == "invented")
    }

    @Test(arguments: [
        #"{"index":0,"time":1,"kind":"delivery","job":"a" }"#, #"{"index":00,"time":1,"kind":"delivery"}"#,
        #"{"time":1,"index":0,"kind":"delivery"}"#, #"{"index":0,"time":1,"kind":"delivery","job":"\u0061"}"#,
        #"{"index":0,"time":1,"kind":"delivery","index":0}"#, #"{"index":-1,"time":1,"kind":"delivery"}"#,
        #"{"index":0,"time":1}"#, #"["index"]"#, "", #"{"index":0,"time":1,"kind":"delivery","x":[[[]]]}"#,
    ])
    func `what would be written otherwise is no record`(line: String) {
        #expect(throws: AuditError.self) { try AuditRecord(line.utf8) }
    }

    @Test func `a text of 1024 bytes is kept whole and one of 1025 is cut`() {
        func kept(_ count: Int) -> String? {
            AuditEvent(.delivery, at: 0, [("x", .text(String(repeating: "a", count: count)))]).fields["x"]?.string
        }
        #expect(kept(1024)?.utf8.count == 1024)
        #expect(kept(1025) == String(repeating: "a", count: 1024) + "…")
    }

    @Test func `the longest record there can be is within the limit of a line`() {
        let worst = String(repeating: "\u{1}", count: 1024)
        let event = AuditEvent(.delivery, at: .max, (0..<16).map { ("field \($0)", .text(worst)) })
        #expect(AuditRecord(index: UInt64(Int64.max), event: event).bytes.count <= AuditRecord.maximumLength)
    }

    @Test func `the head of a file is read as it was written, and refused when it is another`() throws {
        var tree = MerkleFrontier()
        for index in 0..<5 { tree.append(.leaf([UInt8(index)])) }
        let segment = AuditSegment(origin: "log", before: tree)
        #expect(try AuditSegment(segment.head) == segment)
        #expect(segment.name == "00000000000000000005.audit")
        #expect(AuditSegment.first(ofName: segment.name) == 5)
        #expect(AuditSegment.first(ofName: "5.audit") == nil)
        #expect(AuditSegment.first(ofName: "checkpoints") == nil)
        for place in segment.head.indices {
            var head = segment.head
            head[place] ^= 1
            // A hash may be another one: that shows in the root.
            if let other = try? AuditSegment(head) { #expect(other != segment) }
        }
    }
}
