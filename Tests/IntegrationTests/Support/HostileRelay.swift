import Foundation
import Glibc
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import Synchronization
import TestSupport

/// What carries the job socket, in the hands of an attacker who has no key: the handshake passes through, and with what comes after it
/// the test does as it likes. Stands where the executor dials, and dials where the ingress listens.
final class HostileRelay: Sendable {
    /// Where a frame goes.
    enum Way: Sendable { case toIngress, toExecutor }

    /// What becomes of a frame that would go this way: all that is sent in its place, each on its own way.
    typealias Rule = @Sendable (Way, WireFrame.OneOf_Kind) throws -> [(Way, WireFrame.OneOf_Kind)]

    /// One that changes nothing.
    static let honest: Rule = { [($0, $1)] }

    private let listener: Int32
    private let ingress: String
    private let rule: Mutex<Rule>

    /// Moves the ingress of `bed`, which is not started yet, to a socket of its own, and begins.
    init(in bed: TestBed, _ rule: @escaping Rule) throws {
        let file = bed.box.appending(path: "ingress.yaml")
        let settings = try String(contentsOf: file, encoding: .utf8)
        let place = bed.box.appending(path: "run/jobs.sock").path
        ingress = bed.box.appending(path: "run/edge.sock").path
        try settings.replacingOccurrences(of: place, with: ingress).write(to: file, atomically: true, encoding: .utf8)
        self.rule = Mutex(rule)
        listener = try UnixSocket.listen(path: place, mode: 0o600)
        Thread { self.serve() }.start()
    }

    /// Does otherwise from now on.
    func follow(_ rule: @escaping Rule) { self.rule.withLock { $0 = rule } }

    /// Takes no more connections.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve() {
        while true {
            var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, -1) == 1, entry.revents & Int16(POLLHUP) == 0 else { return _ = close(listener) }
            let executor = accept(listener, nil, nil)
            guard executor >= 0 else { continue }
            guard let ingress = try? UnixSocket.connect(path: ingress) else {
                close(executor)
                continue
            }
            let link = Link(ingress: ingress, executor: executor)
            Thread { self.carry(from: executor, .toIngress, link) }.start()
            Thread { self.carry(from: ingress, .toExecutor, link) }.start()
        }
    }

    private func carry(from descriptor: Int32, _ way: Way, _ link: Link) {
        defer { link.end() }
        var buffer = FrameBuffer()
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &bytes, bytes.count)
            guard count > 0 else { return }
            buffer.append(bytes.prefix(count))
            do {
                while let payload = try buffer.next() {
                    let rule = rule.withLock { $0 }
                    for (way, kind) in try rule(way, Frames.decodeJobFrame(payload)) {
                        try link.send(Frames.encode(.with { $0.kind = kind } as WireFrame), way)
                    }
                }
            } catch { return }
        }
    }

    /// Two connections that end together.
    private final class Link: Sendable {
        private let ingress: Int32
        private let executor: Int32
        private let writing = Mutex(())

        init(ingress: Int32, executor: Int32) { (self.ingress, self.executor) = (ingress, executor) }

        deinit { for descriptor in [ingress, executor] { close(descriptor) } }

        func end() { for descriptor in [ingress, executor] { shutdown(descriptor, Int32(SHUT_RDWR)) } }

        func send(_ bytes: [UInt8], _ way: Way) throws {
            let descriptor = way == .toIngress ? ingress : executor
            try writing.withLock { _ in
                guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
                    throw TestBedError("the connection is closed")
                }
            }
        }
    }
}
