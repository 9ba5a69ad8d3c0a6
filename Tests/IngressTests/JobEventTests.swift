import Authentication
import Foundation
import JSON
import ProtocolMessages
import SwiftProtobuf
import Testing

@testable import Ingress

@Suite struct JobEventTests {
    private var place: EventPlace {
        var place = EventPlace(epoch: [0xde, 0xad, 0xbe, 0xef, 1, 2])
        place.position = 42
        return place
    }

    /// The fields of one event, read as a browser would.
    private func fields(_ event: JobEvent) throws -> [String: String] {
        let text = String(decoding: event.bytes, as: UTF8.self)
        #expect(text.hasSuffix("\n\n"))
        var fields: [String: String] = [:]
        for line in text.dropLast(2).split(
            omittingEmptySubsequences: false, whereSeparator: { ["\n", "\r", "\r\n"].contains($0) })
        {
            let colon = try #require(line.firstIndex(of: ":"))
            let name = String(line[..<colon])
            #expect(fields[name] == nil, "\(name) twice")
            fields[name] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        return fields
    }

    private func output(_ data: [UInt8], dropped: UInt64 = 0) -> JobEvent {
        .output(destination: "web-1", stream: .stderr, data: data, dropped: dropped, place)
    }

    @Test(arguments: [
        "plain\n", "a\r\nb\rc\n\n", "data: x\n\nevent: result\n", "é✓\u{2028}\u{2029}\u{85}", "\u{0}\u{1b}[31m\u{7f}", "\"\\",
    ])
    func `whatever a command writes is the text of one event and ends none`(text: String) throws {
        let fields = try fields(output(Array(text.utf8)))
        #expect(Set(fields.keys) == ["event", "id", "data"])
        #expect(fields["event"] == "output")
        #expect(fields["id"] == "deadbeef.42")
        let data = try JSONValue.parse(Array((fields["data"] ?? "").utf8))
        #expect(Array((data["text"]?.string ?? "").utf8) == Array(text.utf8))
        #expect(data["stream"]?.string == "stderr")
        #expect(data["destination"]?.string == "web-1")
        #expect(data["base64"] == nil)
    }

    @Test(arguments: [[0xff], [0xc3], [0x61, 0x80], [0xed, 0xa0, 0x80], [0, 0xfe, 10, 13]] as [[UInt8]])
    func `bytes that are no UTF-8 come as base64, each of them`(bytes: [UInt8]) throws {
        let data = try JSONValue.parse(Array((fields(output(bytes))["data"] ?? "").utf8))
        #expect(data["text"] == nil)
        #expect(data["base64"]?.string.flatMap { Base64.decode($0.utf8) } == bytes)
    }

    @Test func `what is missing is marked, with a piece or without`() throws {
        let with = try JSONValue.parse(Array((fields(output([0x61], dropped: 7))["data"] ?? "").utf8))
        #expect(with["dropped"]?.number?.text == "7")
        #expect(with["text"]?.string == "a")
        let without = try JSONValue.parse(Array((fields(output([], dropped: 9))["data"] ?? "").utf8))
        #expect(without["dropped"]?.number?.text == "9")
        #expect(without["text"] == nil)
        #expect(without["stream"] == nil)
    }

    @Test func `the result has its status code, and an id that says that nothing follows`() throws {
        let result = WireJobResult.with {
            $0.originalJobID = "id-0"
            $0.status = .failed
            $0.reason = .unreachable
            $0.error = "one\ntwo"
        }
        let fields = try fields(.result(result, place))
        #expect(fields["event"] == "result")
        #expect(EventPlace.isFinal(fields["id"] ?? ""))
        let data = try JSONValue.parse(Array((fields["data"] ?? "").utf8))
        #expect(data["statusCode"]?.number?.text == "502")
        #expect(data["status"]?.string == "failed")
        #expect(data["job"]?.string == "id-0")
        #expect(data["error"]?.string == "one\ntwo")
    }

    @Test func `a state says where the job is, and the last one of a wait where to ask`() throws {
        let state = WireJobState.with {
            $0.jobID = "id-0"
            $0.status = .running
            $0.attempts = 2
        }
        let now = try JSONValue.parse(Array((fields(.state(state, place))["data"] ?? "").utf8))
        #expect(now["status"]?.string == "running")
        #expect(now["attempts"]?.number?.text == "2")
        #expect(now["statusCode"] == nil)
        let last = try JSONValue.parse(Array((fields(.pending(state, place))["data"] ?? "").utf8))
        #expect(last["statusCode"]?.number?.text == "202")
        #expect(last["location"]?.string == "/jobs/id-0")
    }

    @Test func `a line end in an event's data cannot begin a field`() {
        let bytes = EventText.event("state", id: "1", data: Array("a\ndata: b\r\n".utf8))
        #expect(String(decoding: bytes, as: UTF8.self) == "event: state\nid: 1\ndata: a data: b  \n\n")
    }

    @Test func `a place is read from what was written, and from nothing else`() {
        #expect(EventPlace(id: place.id) == place)
        #expect(EventPlace(id: "deadbeef.18446744073709551615")?.position == .max)
        for id in [
            "", "42", "deadbeef", "deadbeef.", "deadbeef.-1", "deadbeef.+1", "dead.1", "deadbeef.1.2", "deadbeef.end",
            "deadbeef.18446744073709551616",
        ] {
            #expect(EventPlace(id: id) == nil, "\(id)")
        }
    }
}
