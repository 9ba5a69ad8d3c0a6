import Foundation
import Glibc
import TestSupport

/// An /etc of the test's own for a worker's program, with a name server that never answers. Needs to be root.
final class PrivateNames {
    let folder: String
    private let server: Int32
    private static let address = "127.0.0.77"

    /// - Parameter hosts: the lines of /etc/hosts.
    init(hosts: String) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("sallyport-etc-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        server = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var place = FreePort.loopback(53)
        inet_pton(AF_INET, Self.address, &place.sin_addr)
        let bound = withUnsafePointer(to: &place) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard bound == 0 else { throw TestBedError("cannot bind \(Self.address):53: error \(errno)") }
        for file in ["nsswitch.conf", "host.conf", "gai.conf", "services", "passwd"] {
            try? FileManager.default.copyItem(atPath: "/etc/\(file)", toPath: "\(folder)/\(file)")
        }
        try replace("hosts", hosts)
        try replace("resolv.conf", "nameserver \(Self.address)\n")
    }

    deinit {
        close(server)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Puts another file in the place of one, as those who manage such files do.
    func replace(_ file: String, _ text: String) throws {
        try text.write(toFile: "\(folder)/\(file).new", atomically: false, encoding: .utf8)
        guard rename("\(folder)/\(file).new", "\(folder)/\(file)") == 0 else { throw TestBedError("rename: error \(errno)") }
    }

    /// Questions that the name server got.
    var questions: Int {
        var count = 0
        var bytes = [UInt8](repeating: 0, count: 512)
        while recv(server, &bytes, bytes.count, Int32(MSG_DONTWAIT)) > 0 { count += 1 }
        return count
    }

    /// A line for ``FakeExecutor`` that runs the worker's program there.
    func worker() throws -> String {
        let binaries =
            ProcessInfo.processInfo.environment["SALLYPORT_BINARIES"]
            ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path
        // Not by exec: a worker ends with the thread that started it.
        let line = "mount --bind \(folder) /etc && '\(binaries)/sallyport-ssh-worker' \"$@\"; exit $?"
        return "unshare -m sh -c '\(line.replacingOccurrences(of: "'", with: "'\\''"))' sh \"$@\"; exit $?"
    }
}
