import Foundation
import Glibc
import Synchronization
import TestSupport

/// A sender that keeps delivering over one connection at a time, as one that loses its server again and again would, and writes down
/// what it was told.
final class LoadSender: Sendable {
    /// What senders together were told.
    final class Record: Sendable {
        private struct State {
            var answers: [String: [Int]] = [:]
            var open: Set<String> = []
        }

        private let state = Mutex(State())

        /// Statuses of each delivery that was sent; an attempt that got no answer counts as 0.
        var all: [String: [Int]] { state.withLock(\.answers) }
        /// Deliveries that are sent and not answered yet.
        var open: Set<String> { state.withLock(\.open) }

        func begin(_ id: String) { state.withLock { _ = $0.open.insert(id) } }

        func end(_ id: String, _ status: Int) {
            state.withLock { state in
                state.open.remove(id)
                state.answers[id, default: []].append(status)
            }
        }
    }

    private let isStopped = Atomic(false)
    private let isPaused = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)

    /// Begins at once. Every delivery goes to one of `hooks`; one that fails is, by chance, sent again with a higher attempt. While
    /// nobody listens nothing is begun.
    ///
    /// - Parameter pause: microseconds between two deliveries.
    init(name: String, port: Int, hooks: [String], record: Record, pause: ClosedRange<UInt32>) {
        Thread {
            var connection: HTTPConnection?
            var number = 0
            while !self.isStopped.load(ordering: .relaxed) {
                if self.isPaused.load(ordering: .relaxed) {
                    usleep(2_000)
                    continue
                }
                number += 1
                // As many digits for all, so that no id is the beginning of another: nine characters with the name.
                let id = "\(name)-\(100_000 + number)"
                for attempt in 1...3 {
                    guard
                        let open = connection
                            ?? HTTPConnection.waiting(for: port, until: { self.isStopped.load(ordering: .relaxed) })
                    else { break }
                    connection = open
                    record.begin(id)
                    let status =
                        (try? open.post(
                            "/hooks/\(hooks[number % hooks.count])", body: #"{"id":"\#(id)"}"#,
                            headers: ["X-Hookdeck-EventID: evt_\(id)", "X-Hookdeck-Attempt-Count: \(attempt)"])) ?? 0
                    if status == 0 { connection = nil }
                    record.end(id, status)
                    if status / 100 == 2 || Bool.random() || self.isStopped.load(ordering: .relaxed) { break }
                }
                usleep(UInt32.random(in: pause))
            }
            self.ended.signal()
        }.start()
    }

    /// Begins nothing new while it is paused.
    func pause(_ isPaused: Bool) { self.isPaused.store(isPaused, ordering: .relaxed) }

    /// Ends after the delivery that is under way.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
        ended.wait()
    }
}

/// One connection on which requests follow one another.
final class HTTPConnection {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = FreePort.loopback(UInt16(port))
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        var time = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        guard result == 0 else { throw TestBedError("nobody listens at port \(port)") }
    }

    deinit { close(descriptor) }

    /// Waits until somebody listens; nil when it is over before.
    static func waiting(for port: Int, until isOver: () -> Bool) -> HTTPConnection? {
        while !isOver() {
            if let open = try? HTTPConnection(port: port) { return open }
            usleep(2_000)
        }
        return nil
    }

    /// The status of the answer.
    func post(_ path: String, body: String, headers: [String]) throws -> Int {
        try exchange(path, body: body, headers: headers).status
    }

    /// The answer's status and body, to a POST.
    func exchange(_ path: String, body: String, headers: [String]) throws -> (status: Int, body: [UInt8]) {
        let fields = ["Content-Type: application/json", "Content-Length: \(body.utf8.count)"]
        return try exchange("POST \(path)", fields + headers, body)
    }

    /// The same, to a GET.
    func get(_ path: String, headers: [String]) throws -> (status: Int, body: [UInt8]) {
        try exchange("GET \(path)", headers, "")
    }

    private func exchange(_ request: String, _ headers: [String], _ body: String) throws -> (status: Int, body: [UInt8]) {
        let head = ["\(request) HTTP/1.1", "Host: test"] + headers
        let bytes = Array((head.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
        guard bytes.withUnsafeBytes({ Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }) == bytes.count
        else {
            throw TestBedError("the connection is closed")
        }
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let mark = (0..<max(0, buffer.count - 3)).first(where: { Array(buffer[$0..<($0 + 4)]) == end }) {
                let lines = String(decoding: buffer[..<mark], as: UTF8.self).lowercased().components(separatedBy: "\r\n")
                let length = lines.compactMap { $0.hasPrefix("content-length: ") ? Int($0.dropFirst(16)) : nil }.first ?? 0
                let words = lines[0].split(separator: " ")
                while buffer.count < mark + 4 + length { try more() }
                let content = Array(buffer[(mark + 4)..<(mark + 4 + length)])
                buffer.removeFirst(mark + 4 + length)
                guard words.count > 1, let status = Int(words[1]) else { throw TestBedError("no status") }
                return (status, content)
            }
            try more()
        }
    }

    private func more() throws {
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { throw TestBedError("the connection is closed") }
        buffer += bytes.prefix(count)
    }
}
