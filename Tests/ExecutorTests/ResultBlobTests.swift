import Authentication
import Foundation
import ProtocolMessages
import SwiftProtobuf
import Testing

@testable import Executor

@Suite struct ResultBlobTests {
    private func result(stdout: [UInt8]) throws -> [UInt8] {
        try WireJobResult.with {
            $0.jobID = "01a21908-c4a2-7424-95dc-c7f58ddec7d7"
            $0.destinations = [.with { $0.stdout = .init(stdout) }]
        }.serializedBytes()
    }

    private func text(_ count: Int) -> [UInt8] {
        Array(String(repeating: "deploying octo-repo at 6113728f\n", count: count).utf8)
    }

    @Test(arguments: [0, 1, 40, 1_500]) func `what is stored is read back, and much of the same takes little room`(lines: Int)
        throws
    {
        let bytes = try result(stdout: text(lines))
        let stored = ResultBlob.pack(bytes)
        #expect(try ResultBlob.read(Data(stored)).serializedBytes() as [UInt8] == bytes)
        #expect(bytes.count < ResultBlob.threshold ? stored == bytes : stored.count < bytes.count / 4)
    }

    @Test func `what does not become shorter stays as it is`() throws {
        let bytes = try result(stdout: Random.bytes(40_000))
        #expect(ResultBlob.pack(bytes) == bytes)
        #expect(try ResultBlob.read(Data(bytes)).serializedBytes() as [UInt8] == bytes)
    }

    @Test func `one that was damaged, cut off, or claims another or a huge length is an error`() throws {
        let stored = ResultBlob.pack(try result(stdout: text(100)))
        var damaged: [[UInt8]] = [[0], [0, 0, 0, 0, 1], Array(stored.dropLast()), Array(stored.prefix(4))]
        for (place, value) in [(1, 0xff), (4, stored[4] ^ 1), (stored.count / 2, stored[stored.count / 2] ^ 0xff)]
            as [(Int, UInt8)]
        {
            var bytes = stored
            bytes[place] = value
            damaged.append(bytes)
        }
        for bytes in damaged { #expect(throws: (any Error).self) { try ResultBlob.read(Data(bytes)) } }
    }
}
