import Foundation
import Glibc
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import TestSupport

/// The other end of the workers' socket, in the hands of a host that has taken an SSH worker over.
final class HostileWorker {
    private let descriptor: Int32
    private var buffer = FrameBuffer()

    init(in bed: TestBed) throws {
        descriptor = try UnixSocket.connect(path: bed.box.appending(path: "run/workers.sock").path)
        // Without end it would wait for a lease that another worker has.
        var time = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// What the supervisor of `bed` calls its workers.
    static func family(_ bed: TestBed) throws -> String {
        let line = ProcessTable.all().first { $0.parent == bed.executor.pid && $0.commandLine.contains("sallyport-ssh-worker") }
        let words = line?.commandLine.split(separator: " ") ?? []
        guard let at = words.firstIndex(of: "--family"), at + 1 < words.count else { throw TestBedError("no worker") }
        return String(words[at + 1])
    }

    func hello(_ family: String, version: UInt32 = Frames.workerVersion) throws {
        try send(
            .with {
                $0.hello = .with {
                    $0.protocolVersion = version
                    $0.processID = 1
                    $0.family = family
                }
            })
    }

    func send(_ frame: WireWorkerFrame) throws { try send(try Frames.encode(frame)) }

    func send(_ bytes: [UInt8]) throws {
        guard bytes.withUnsafeBytes({ Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }) == bytes.count
        else { throw TestBedError("the connection is closed") }
    }

    func next() throws -> WireWorkerFrame.OneOf_Kind {
        while true {
            if let payload = try buffer.next() { return try Frames.decodeWorkerFrame(payload) }
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = read(descriptor, &bytes, bytes.count)
            guard count > 0 else { throw TestBedError(count == 0 ? "the connection is closed" : "nothing comes") }
            buffer.append(bytes.prefix(count))
        }
    }

    func lease() throws -> WireLease {
        while true { if case .lease(let lease) = try next() { return lease } }
    }

    /// What the executor answers to a demand for a signature.
    func sign(_ lease: UInt64, _ blob: [UInt8]) throws -> WireSignResponse {
        try send(
            .with {
                $0.signRequest = .with {
                    $0.leaseID = lease
                    $0.blob = .init(blob)
                }
            })
        while true { if case .signResponse(let response) = try next() { return response } }
    }

    func finish(_ lease: UInt64, _ outcome: WireLeaseOutcome, exitCode: Int32 = 0) throws {
        try send(
            .with {
                $0.finished = .with {
                    $0.leaseID = lease
                    $0.outcome = outcome
                    $0.exitCode = exitCode
                }
            })
    }

    func isClosed() -> Bool {
        while true { do { _ = try next() } catch { return "\(error)" == "the connection is closed" } }
    }
}
