import Authentication
import Foundation
import Glibc
import JobProtocol
import ProtocolMessages
import TestSupport

@testable import SSH

/// The executor's end of the worker socket: blocking, with keys, one worker that runs on a thread of this process.
final class FakeExecutor: @unchecked Sendable {  // all state is behind `condition`
    private let condition = NSCondition()
    private let listener: Int32
    private let sshd: PrivateSSHD
    private var connection: Int32 = -1
    private var stages: [UInt64: [WireStage]] = [:]
    private var groups: [UInt64: UInt32] = [:]
    private var outputs: [UInt64: [WireStream: [UInt8]]] = [:]
    private var results: [UInt64: WireLeaseFinished] = [:]
    private var hello: WireWorkerHello?
    private var asked: [UInt64] = []
    private var nextLease: UInt64 = 1
    private var workerEnd: String?
    /// Set, every request for a signature is refused with it.
    private var refusal: String?
    /// Set, requests for a signature get no answer.
    private var isSilent = false
    private var isRetiring = false
    private var connectionCounts: [WireWorkerConnections] = []
    private var keyFile = "user_ed25519"

    /// The worker, where it is a program of its own.
    private var program: LocalShell?

    /// - Parameters:
    ///   - keepAlive: when its connections ask for a sign of life, in milliseconds.
    ///   - worker: runs one that connects to the socket given, to its end; by default on a thread of this process.
    ///   - program: a shell line that ends in running the worker's program with its arguments, `"$@"`, in place of the thread.
    init(
        _ sshd: PrivateSSHD, keepAlive: (after: Int, within: Int) = Connection.keepAlive,
        worker: (@Sendable (String) throws -> Void)? = nil, program: String? = nil
    ) throws {
        self.sshd = sshd
        let path = sshd.folder + "/workers-\(UUID().uuidString.prefix(8)).sock"
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        guard bound == 0, listen(listener, 1) == 0 else { throw TestBedError("cannot listen at \(path)") }
        if let program {
            let arguments = ShellQuoting.line(["--socket", path, "--port", "\(sshd.port)"]) ?? ""
            self.program = try LocalShell("/bin/sh", "set -- \(arguments); \(program)")
        } else {
            thread {
                var end = "returned"
                do {
                    if let worker {
                        try worker(path)
                    } else {
                        let worker = try Worker(path: path)
                        worker.keepAlive = keepAlive
                        try worker.run()
                    }
                } catch {
                    end = "\(error)"
                }
                self.locked { self.workerEnd = end }
            }
        }
        connection = accept(listener, nil, nil)
        thread { self.receive() }
    }

    deinit { close(connection) }

    /// Ends the worker; its threads hold on to this object until then.
    func stop() {
        if let program {
            locked { _ = shutdown(connection, Int32(SHUT_RDWR)) }
            for _ in 0..<200 where !program.hasEnded { usleep(10_000) }
            program.kill()
        } else {
            _ = try? hangUp(within: 5)
        }
        close(listener)
    }

    /// Sends a lease for the test's sshd; the key is what it is told to authenticate with.
    @discardableResult
    func lease(_ arguments: [String], body: [UInt8]? = nil, _ change: (inout WireLease) -> Void = { _ in }) throws -> UInt64 {
        let id = locked {
            nextLease += 1
            return nextLease
        }
        var lease = WireLease.with {
            $0.leaseID = id
            $0.host = "web-1"
            $0.address = "127.0.0.1"
            $0.port = UInt32(sshd.port)
            $0.user = sshd.user
            $0.identity = "deploy"
            $0.arguments = arguments
            $0.connectTimeoutMs = 5_000
            $0.timeoutMs = 20_000
            $0.graceMs = 500
            $0.stdoutLimit = 4096
            $0.stderrLimit = 4096
            $0.hasBody_p = body != nil
            $0.bodyLength = UInt64(body?.count ?? 0)
        }
        lease.publicKey = .init(try sshd.publicKey(locked { keyFile }))
        lease.hostKeys = [.init(try sshd.publicKey("host_ed25519"))]
        change(&lease)
        try send(.with { $0.lease = lease })
        for start in stride(from: 0, to: body?.count ?? 0, by: Frames.maximumChunk) {
            let piece = body?[start..<min(start + Frames.maximumChunk, body?.count ?? 0)] ?? []
            try send(
                .with {
                    $0.leaseBody = .with {
                        $0.leaseID = id; $0.data = .init(piece)
                    }
                })
        }
        return id
    }

    func cancel(_ id: UInt64) throws { try send(.with { $0.cancel = .with { $0.leaseID = id } }) }

    /// The result of a lease, within seconds.
    func result(_ id: UInt64, within seconds: Double = 15) throws -> WireLeaseFinished {
        try wait("result of lease \(id)", seconds) { results[id] }
    }

    /// Runs a command and returns its result.
    func run(_ arguments: [String], body: [UInt8]? = nil, _ change: (inout WireLease) -> Void = { _ in }) throws
        -> WireLeaseFinished
    {
        try result(lease(arguments, body: body, change))
    }

    /// The command runs; its process group.
    @discardableResult
    func started(_ id: UInt64) throws -> UInt32 { try wait("start of lease \(id)", 10) { groups[id] } }

    /// The worker asked for this many signatures.
    func awaitSignatureRequests(_ count: Int) throws {
        _ = try wait("request \(count)", 10) { asked.count >= count ? true : nil }
    }

    func stages(_ id: UInt64) -> [WireStage] { locked { stages[id] ?? [] } }
    func output(_ id: UInt64, _ stream: WireStream) -> [UInt8] { locked { outputs[id]?[stream] ?? [] } }
    var signatureRequests: [UInt64] { locked { asked } }
    func workerHello() throws -> WireWorkerHello { try wait("hello", 5) { hello } }

    /// The worker said that it takes no more leases.
    func awaitRetiring() throws { _ = try wait("retiring", 5) { isRetiring ? true : nil } }

    /// What the worker said of its connections, so far and until the last is as `last` says.
    func connections(until last: (WireWorkerConnections) -> Bool) throws -> [WireWorkerConnections] {
        try wait("connections", 10) { connectionCounts.last.map(last) == true ? connectionCounts : nil }
    }

    func use(key: String) { locked { keyFile = key } }
    func refuse(_ text: String?) { locked { refusal = text } }
    func beSilent(_ isSilent: Bool = true) { locked { self.isSilent = isSilent } }

    /// Closes the socket and returns how the worker ended.
    func hangUp(within seconds: Double) throws -> String {
        locked { _ = shutdown(connection, Int32(SHUT_RDWR)) }
        return try wait("end of the worker", seconds) { workerEnd }
    }

    /// Sends bytes that are no frame of ours.
    func sendRaw(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
    func workerEnd(within seconds: Double) throws -> String { try wait("end of the worker", seconds) { workerEnd } }

    func send(_ frame: WireWorkerFrame) throws {
        let bytes = try Frames.encode(frame)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw TestBedError("the worker is gone") }
            sent += count
        }
    }

    private func receive() {
        var buffer = FrameBuffer()
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(connection, &bytes, bytes.count, 0)
            guard count > 0 else { break }
            buffer.append(bytes.prefix(count))
            do {
                while let payload = try buffer.next() { try take(Frames.decodeWorkerFrame(payload)) }
            } catch {
                break
            }
        }
        // Closed when nobody can send on it any more: the number may be another's by then.
        locked { _ = shutdown(connection, Int32(SHUT_RDWR)) }
    }

    private func take(_ frame: WireWorkerFrame.OneOf_Kind) throws {
        switch frame {
        case .hello(let frame): locked { hello = frame }
        case .stage(let frame):
            locked {
                stages[frame.leaseID, default: []].append(frame.stage)
                if frame.stage == .started { groups[frame.leaseID] = frame.processGroup }
            }
        case .output(let frame): locked { outputs[frame.leaseID, default: [:]][frame.stream, default: []] += frame.data }
        case .finished(let frame): locked { results[frame.leaseID] = frame }
        case .signRequest(let frame): try answer(frame)
        case .retiring: locked { isRetiring = true }
        case .connections(let frame): locked { connectionCounts.append(frame) }
        case .lease, .leaseBody, .cancel, .signResponse: throw TestBedError("a frame that no worker sends")
        }
    }

    private func answer(_ request: WireSignRequest) throws {
        let (text, silent, file) = locked {
            asked.append(request.leaseID)
            return (refusal, isSilent, keyFile)
        }
        guard !silent else { return }
        if let text {
            return try send(
                .with {
                    $0.signResponse = .with {
                        $0.leaseID = request.leaseID; $0.refusal = text
                    }
                })
        }
        let origin = "\(sshd.folder)/\(file)"
        let key = try IdentityKey(SecretBytes(copying: Data(contentsOf: URL(fileURLWithPath: origin))), origin: origin)
        let signature = try key.sign([UInt8](request.blob))
        try send(
            .with {
                $0.signResponse = .with {
                    $0.leaseID = request.leaseID; $0.signature = .init(signature)
                }
            })
    }

    private func thread(_ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.stackSize = 4 << 20
        thread.start()
    }

    private func locked<T>(_ body: () -> T) -> T {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return body()
    }

    private func wait<T>(_ what: String, _ seconds: Double, _ body: () -> T?) throws -> T {
        let limit = Date().addingTimeInterval(seconds)
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let value = body() { return value }
            guard condition.wait(until: limit) else { throw TestBedError("\(what) did not come within \(seconds) s") }
        }
    }
}
