import Authentication
import Foundation
import HostileHost
import TestSupport

/// A host for the executor's settings.
struct BedHost {
    let name: String
    let address: String
    let port: Int
    /// As known_hosts has it: type and base64.
    let hostKey: String

    init(_ name: String, address: String = "127.0.0.1", port: Int, hostKey: String) {
        self.name = name
        self.address = address
        self.port = port
        self.hostKey = hostKey
    }

    init(_ name: String, _ host: HostileHost) {
        self.init(name, port: host.port, hostKey: "ssh-ed25519 \(Base64.encode(host.hostKey))")
    }

    init(_ name: String, _ server: SSHServer, address: String = "127.0.0.1") throws {
        let key = try String(contentsOfFile: server.hostKeyFile.path + ".pub", encoding: .utf8)
        self.init(name, address: address, port: server.port, hostKey: key.split(separator: " ").prefix(2).joined(separator: " "))
    }
}

extension TestBed {
    /// More hosts beside web-1, with their keys pinned; before the start.
    func add(hosts: [BedHost], connectTimeout: String = "2s") throws {
        let lines = hosts.map {
            "  \($0.name): { address: \($0.address), port: \($0.port), user: \(NSUserName()), identity: deploy, "
                + "connect-timeout: \(connectTimeout) }\n"
        }
        try add(hostLines: lines.joined())
        try append(hosts.map { "[\($0.address)]:\($0.port) \($0.hostKey)\n" }.joined(), to: "known_hosts")
    }

    /// More hosts as the settings have them, a line each; their keys are the caller's to pin.
    func add(hostLines lines: String) throws {
        let url = box.appending(path: "executor.yaml")
        let text = try String(contentsOf: url, encoding: .utf8)
        try text.replacing("\nhosts:\n", with: "\nhosts:\n\(lines)").write(to: url, atomically: true, encoding: .utf8)
    }

    /// The executor proper and its workers.
    var innerProcesses: (executor: Int32?, workers: [Int32]) {
        (process("sallyport-executor run"), processes("sallyport-ssh-worker"))
    }
}

/// A figure of a process from /proc.
enum ProcessFigures {
    /// The most memory it has had, in MiB.
    static func peakMemory(_ pid: Int32) -> Int { status(pid, "VmHWM") / 1024 }

    /// Its own memory, in KiB: without pages of programs and libraries, which the kernel shares and may drop.
    static func anonymousMemory(_ pid: Int32) -> Int { status(pid, "RssAnon") }

    static func threads(_ pid: Int32) -> Int { status(pid, "Threads") }

    /// A number of /proc/PID/status; 0 when it is not there.
    private static func status(_ pid: Int32, _ name: String) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(name):") }
        return line?.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) } ?? 0
    }

    /// Descriptors it has open.
    static func descriptors(_ pid: Int32) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? 0
    }
}

/// Times of many requests, in milliseconds.
struct Latencies {
    private let sorted: [Double]
    init(_ milliseconds: [Double]) { sorted = milliseconds.sorted() }
    var count: Int { sorted.count }
    var median: Double { share(0.5) }
    var p99: Double { share(0.99) }
    var maximum: Double { sorted.last ?? 0 }
    private func share(_ part: Double) -> Double {
        sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
    }
    var text: String {
        "\(count) in all, median \(Self.round(median)) ms, p99 \(Self.round(p99)) ms, longest \(Self.round(maximum)) ms"
    }
    private static func round(_ value: Double) -> String { String(format: "%.1f", value) }
}
