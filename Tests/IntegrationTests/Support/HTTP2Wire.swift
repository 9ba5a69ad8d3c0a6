import Foundation
import TestSupport

/// A client of HTTP/2 that says exactly what a test wants, through the real openssl: frames of RFC 9113 and heads of RFC 7541.
enum HTTP2Wire {
    struct Frame: Equatable {
        var type: UInt8
        var flags: UInt8 = 0
        var stream: UInt32 = 0
        var payload: [UInt8] = []

        var bytes: [UInt8] {
            HTTP2Wire.number(payload.count, 3) + [type, flags] + HTTP2Wire.number(Int(stream), 4) + payload
        }
    }

    /// What came back.
    struct Answer {
        let frames: [Frame]

        /// The error code of GOAWAY.
        var goodbye: Int? {
            frames.last { $0.type == 7 }.map { $0.payload[4..<8].reduce(0) { $0 << 8 | Int($1) } }
        }
        /// The last question was answered.
        var isAlive: Bool { goodbye == nil && frames.contains(Frame(type: 6, flags: 1, payload: HTTP2Wire.mark)) }

        func count(_ type: UInt8) -> Int { frames.count { $0.type == type } }
    }

    fileprivate static let mark = Array("the last".utf8)

    /// Sends the preface, the frames and a PING, and takes what comes back within `seconds` or until the other side closes.
    ///
    /// - Parameter acknowledges: the other side's SETTINGS; it cannot hold a client to them before.
    static func send(_ frames: [Frame], port: Int, acknowledges: Bool = true, within seconds: Int = 3) throws -> Answer {
        let all = [Frame(type: 4)] + (acknowledges ? [Frame(type: 4, flags: 1)] : []) + frames + [Frame(type: 6, payload: mark)]
        let said = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + all.flatMap(\.bytes)
        let client = "timeout \(seconds) openssl s_client -quiet -alpn h2 -connect 127.0.0.1:\(port) 2>/dev/null"
        let heard = try Command.run("/bin/sh", ["-c", "\(client) | od -An -v -tx1"], input: Data(said))
        let bytes = heard.output.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0, radix: 16) }
        return Answer(frames: parse(bytes))
    }

    private static func parse(_ bytes: [UInt8]) -> [Frame] {
        var frames: [Frame] = []
        var offset = 0
        while offset + 9 <= bytes.count {
            let length = bytes[offset..<(offset + 3)].reduce(0) { $0 << 8 | Int($1) }
            guard offset + 9 + length <= bytes.count else { break }
            let stream = bytes[(offset + 5)..<(offset + 9)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(
                Frame(
                    type: bytes[offset + 3], flags: bytes[offset + 4], stream: stream,
                    payload: Array(bytes[(offset + 9)..<(offset + 9 + length)])))
            offset += 9 + length
        }
        return frames
    }

    /// The head of a POST whose body is still to come.
    static func head(_ path: String, _ more: [UInt8] = []) -> [UInt8] {
        [0x83, 0x87, 0x04] + text(path) + [0x01] + text("localhost") + more
    }

    /// A field that is kept in the table when `isKept`.
    static func field(_ name: String, bytes: Int, isKept: Bool = false) -> [UInt8] {
        [isKept ? 0x40 : 0x00] + text(name) + text(String(repeating: "x", count: bytes))
    }

    /// HEADERS, and CONTINUATION for what does not fit in `size` bytes each.
    static func headers(_ stream: UInt32, _ head: [UInt8], size: Int = 16_384, ends: Bool = false) -> [Frame] {
        let pieces = stride(from: 0, to: head.count, by: size).map { Array(head[$0..<min($0 + size, head.count)]) }
        return pieces.enumerated().map { index, piece in
            let last: UInt8 = index == pieces.count - 1 ? 4 : 0
            return Frame(
                type: index == 0 ? 1 : 9, flags: last | (index == 0 && ends ? 1 : 0), stream: stream, payload: piece)
        }
    }

    static func reset(_ stream: UInt32) -> Frame { Frame(type: 3, stream: stream, payload: number(8, 4)) }

    /// RFC 7541 sections 5.1 and 5.2, without Huffman's code.
    private static func text(_ text: String) -> [UInt8] {
        var rest = text.utf8.count
        var length: [UInt8] = [UInt8(min(rest, 127))]
        if rest >= 127 {
            rest -= 127
            while rest >= 128 {
                length.append(UInt8(rest % 128 + 128))
                rest /= 128
            }
            length.append(UInt8(rest))
        }
        return length + Array(text.utf8)
    }

    fileprivate static func number(_ value: Int, _ bytes: Int) -> [UInt8] {
        (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}
