import Foundation
import Glibc
import TestSupport

/// One request to loopback on a connection of its own, and its answer, within a time.
enum HTTPExchange {
    enum Outcome {
        case answered(status: Int, headers: [(name: String, value: String)], body: String)
        case refused
        case brokenOff
        case timedOut
    }

    /// - Parameter seconds: of the real clock, from the first byte to the last.
    static func post(
        port: Int, path: String, headers: [(name: String, value: String)], body: [UInt8], within seconds: Double
    ) -> Outcome {
        let deadline = DispatchTime.now().uptimeNanoseconds + UInt64(seconds * 1e9)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = FreePort.loopback(UInt16(port))
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { return .refused }
        var head = "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n"
        for header in headers { head += "\(header.name): \(header.value)\r\n" }
        head += "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        var rest = (Array(head.utf8) + body)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return .brokenOff }
            rest = rest.dropFirst(count)
        }
        var answer: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let now = DispatchTime.now().uptimeNanoseconds
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard now < deadline, poll(&entry, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1)) == 1 else {
                return .timedOut
            }
            let count = read(descriptor, &bytes, bytes.count)
            guard count > 0 else { return parse(answer) ?? .brokenOff }
            answer += bytes.prefix(count)
        }
    }

    private static func parse(_ bytes: [UInt8]) -> Outcome? {
        let parts = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard parts.count > 1, words.count > 1, let status = Int(words[1]) else { return nil }
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
        }
        return .answered(status: status, headers: headers, body: parts.dropFirst().joined(separator: "\r\n\r\n"))
    }
}
