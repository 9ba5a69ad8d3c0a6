import Foundation
import Glibc
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import TestSupport

/// One connection to the admin socket, without the command's start around it.
final class AdminWire {
    private let descriptor: Int32
    private var buffer = FrameBuffer()

    init(_ bed: TestBed) throws {
        descriptor = try UnixSocket.connect(path: bed.box.appending(path: "run/admin.sock").path)
        var time = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// The parts of the answer, up to its end.
    func ask(_ request: WireAdminRequest) throws -> [WireAdminResponse.OneOf_Kind] {
        let bytes = try Frames.encode(request)
        guard bytes.withUnsafeBytes({ Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }) == bytes.count
        else { throw TestBedError("the admin socket is closed") }
        var parts: [WireAdminResponse.OneOf_Kind] = []
        while true {
            while let payload = try buffer.next() {
                switch try Frames.decodeAdminResponse(payload) {
                case .end: return parts
                case .error(let error): throw TestBedError("the executor says: \(error.message)")
                case let part: parts.append(part)
                }
            }
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = read(descriptor, &bytes, bytes.count)
            guard count > 0 else { throw TestBedError("the admin socket is closed") }
            buffer.append(bytes.prefix(count))
        }
    }

    /// The jobs of a list.
    func list(_ change: (inout WireListJobs) -> Void = { _ in }) throws -> [WireJobRecord] {
        var list = WireListJobs()
        change(&list)
        return try ask(.with { $0.listJobs = list }).compactMap { if case .job(let job) = $0 { job } else { nil } }
    }
}
