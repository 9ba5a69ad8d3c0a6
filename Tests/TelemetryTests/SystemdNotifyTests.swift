import Glibc
import Testing

@testable import Telemetry

@Suite(.serialized) struct SystemdNotifyTests {
    /// The supervisor's end.
    private final class Listener {
        let path: String
        private let descriptor: Int32
        private let node: String?

        init(abstract: Bool) throws {
            let name = "/tmp/sallyport-notify-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
            path = abstract ? "@" + name : name
            node = abstract ? nil : name
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = (abstract ? [0] : []) + Array(name.utf8)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { buffer in unsafe buffer.copyBytes(from: bytes) }
            let length = socklen_t(2 + bytes.count + (abstract ? 0 : 1))
            let result = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) }
            }
            try #require(result == 0)
        }

        deinit {
            close(descriptor)
            if let node { unsafe unlink(node) }
        }

        func receive() -> String? {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = unsafe read(descriptor, &buffer, buffer.count)
            return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    @Test(arguments: [false, true])
    func `each state is one datagram, on a path or in the abstract namespace`(abstract: Bool) throws {
        let listener = try Listener(abstract: abstract)
        let notify = SystemdNotify(path: listener.path)
        #expect(notify.isConnected)
        #expect(notify.send(.ready))
        #expect(listener.receive() == "READY=1")
        #expect(notify.send(.status("2 executors\nREADY=1")))
        #expect(listener.receive() == "STATUS=2 executors READY=1")
        #expect(notify.send(.watchdog))
        #expect(listener.receive() == "WATCHDOG=1")
        #expect(notify.send(.reloading))
        let reloading = try #require(listener.receive()).split(separator: "\n")
        #expect(reloading.first == "RELOADING=1")
        #expect(reloading.last?.hasPrefix("MONOTONIC_USEC=") == true)
        #expect(notify.send(.stopping))
        #expect(listener.receive() == "STOPPING=1")
        #expect(listener.receive() == nil)
    }

    @Test(arguments: [nil, "", "relative/path", "/nonexistent/notify", "/" + String(repeating: "n", count: 200)] as [String?])
    func `nobody who asks means nothing is sent`(path: String?) {
        let notify = SystemdNotify(path: path, watchdogInterval: .seconds(1))
        #expect(!notify.isConnected)
        #expect(notify.watchdogInterval == nil)
        #expect(!notify.send(.ready))
    }

    @Test func `a supervisor that does not read blocks nobody`() throws {
        let listener = try Listener(abstract: true)
        let notify = SystemdNotify(path: listener.path)
        var sent = 0
        while sent < 100_000, notify.send(.watchdog) { sent += 1 }
        #expect(sent < 100_000)
        #expect(listener.receive() == "WATCHDOG=1")
    }

    @Test func `the environment is read once and left to no child`() async throws {
        await #expect(processExitsWith: .success) {
            let listener = try Listener(abstract: true)
            unsafe setenv("NOTIFY_SOCKET", listener.path, 1)
            unsafe setenv("WATCHDOG_USEC", "30000000", 1)
            unsafe setenv("WATCHDOG_PID", "\(getpid())", 1)
            let notify = SystemdNotify.fromEnvironment()
            #expect(notify.watchdogInterval == .seconds(30))
            #expect(notify.send(.ready))
            #expect(listener.receive() == "READY=1")
            for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { #expect(unsafe getenv(name) == nil) }
            #expect(!SystemdNotify.fromEnvironment().isConnected)
        }
    }

    @Test func `a watchdog for another process is not ours`() async throws {
        await #expect(processExitsWith: .success) {
            let listener = try Listener(abstract: true)
            unsafe setenv("NOTIFY_SOCKET", listener.path, 1)
            unsafe setenv("WATCHDOG_USEC", "30000000", 1)
            unsafe setenv("WATCHDOG_PID", "1", 1)
            #expect(SystemdNotify.fromEnvironment().watchdogInterval == nil)
        }
    }
}
