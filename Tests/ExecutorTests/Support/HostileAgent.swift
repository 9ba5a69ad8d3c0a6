import Foundation
import Glibc
import JobProtocol
import TestSupport

/// A socket that is no honest ssh-agent: takes connections one after the other, reads a request, and does what it is told.
final class HostileAgent: Sendable {
    let socket: String
    private let listener: Int32

    /// What comes back for a request (without its length); nil closes without a word, an empty answer says nothing and stays.
    init(in folder: TemporaryFolder, _ answer: @escaping @Sendable ([UInt8]) -> [UInt8]?) throws {
        socket = "\(folder.path)/\(UUID().uuidString.prefix(8)).sock"
        let listener = try UnixSocket.listen(path: socket, mode: 0o600)
        self.listener = listener
        _ = fcntl(listener, F_SETFL, 0)
        Thread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                guard let request = Self.request(connection), let bytes = answer(request) else {
                    close(connection)
                    continue
                }
                _ = bytes.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                // Stays open until the other side has had enough.
                Thread {
                    var byte: UInt8 = 0
                    _ = read(connection, &byte, 1)
                    close(connection)
                }.start()
            }
        }.start()
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    static func framed(_ body: [UInt8]) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: body.count >> $0) } + body
    }

    private static func request(_ connection: Int32) -> [UInt8]? {
        guard let head = exactly(4, connection) else { return nil }
        return exactly(head.reduce(0) { $0 << 8 | Int($1) }, connection)
    }

    private static func exactly(_ count: Int, _ connection: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var piece = [UInt8](repeating: 0, count: count - bytes.count)
            let got = read(connection, &piece, piece.count)
            guard got > 0 else { return nil }
            bytes += piece.prefix(got)
        }
        return bytes
    }
}
