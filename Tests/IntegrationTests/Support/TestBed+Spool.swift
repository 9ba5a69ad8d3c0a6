import Authentication
import Foundation
import Glibc
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import TestSupport

extension TestBed {
    /// A bed whose ingress has a spool; nothing is started yet.
    static func spooling(jobs: String, hooks: String, spool: String = "") throws -> TestBed {
        let bed = try TestBed(jobs: jobs, hooks: hooks, start: false)
        try bed.append("spool: { directory: spool\(spool.isEmpty ? "" : ", " + spool) }\n", to: "ingress.yaml")
        try FileManager.default.createDirectory(
            at: bed.spoolFolder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return bed
    }

    var spoolFolder: URL { box.appending(path: "spool") }

    /// Files of the spool with that ending.
    func spooled(_ ending: String = "spool") -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: spoolFolder.path)) ?? []).filter { $0.hasSuffix(".\(ending)") }
            .sorted()
    }

    /// The ingress alone.
    func startIngress() throws {
        try ingress.start()
        guard eventually({ FreePort.answers(httpPort) }) else {
            throw TestBedError("the ingress does not listen: \(ingress.text)")
        }
    }

    /// A record as the format says, of a request that the ingress signed.
    func record(_ request: WireJobRequest, storedAt: Int64, order: UInt8 = 1) throws -> [UInt8] {
        let envelope: [UInt8] = try Envelope.seal(
            request.serializedBytes(), as: .jobRequest, keyID: "ingress", key: HostilePeer.key(self, "ingress")
        ).serializedBytes()
        func number(_ value: Int64, _ bytes: Int) -> [UInt8] {
            (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
        let content =
            number(Int64(order), 8) + number(0, 4) + number(storedAt, 8) + number(Int64(envelope.count), 4) + envelope + [0]
        let length = number(Int64(content.count), 4)
        let magic: [UInt8] = [0x89, 0x53, 0x50, 0x4f, 0x4f, 0x4c, 0x31, 0x0a]
        return magic + Array("WAIT".utf8) + length + SHA256.hash(length + content) + content
    }
}
