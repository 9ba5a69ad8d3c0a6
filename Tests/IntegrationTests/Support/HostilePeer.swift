import Authentication
import Foundation
import Glibc
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import TestSupport

/// The other end of the job socket, in the hands of an attacker who has the real signing key of that side.
final class HostilePeer {
    private let descriptor: Int32
    private var buffer = FrameBuffer()
    private var state: ConnectionState
    let keyID: String
    let key: Ed25519PrivateKey

    /// Takes over one side of the socket of `bed`: listens in the ingress's place, or dials in the executor's.
    init(as role: WireRole, in bed: TestBed) throws {
        let name = role == .ingress ? "ingress" : "executor"
        let other = role == .ingress ? "executor" : "ingress"
        keyID = name
        key = try Self.key(bed, name)
        let socket = bed.box.appending(path: "run/jobs.sock").path
        state = ConnectionState(
            identity: .init(role: role, keyID: keyID, key: key, policyDigest: ""),
            trusting: TrustedKeys([other: try Self.key(bed, other).publicKey]))
        if role == .ingress {
            let listener = try UnixSocket.listen(path: socket, mode: 0o600)
            defer { close(listener) }
            var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 10_000) == 1 else { throw TestBedError("no executor dials") }
            descriptor = accept(listener, nil, nil)
        } else {
            descriptor = try UnixSocket.connect(path: socket)
        }
        var time = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    static func key(_ bed: TestBed, _ name: String) throws -> Ed25519PrivateKey {
        try Ed25519PrivateKey(pem: .read(file: bed.box.appending(path: "secrets/\(name).key").path), origin: name)
    }

    /// As an honest peer would do it; without watches, one of before.
    func shakeHands(answersWatches: Bool = true, version: UInt32 = Frames.protocolVersion) throws {
        var hello = state.hello()
        hello.hello.protocolVersion = version
        if !answersWatches { hello.hello.features = [] }
        try send(hello)
        while state.phase != .open {
            if case .send(let frame) = try state.receive(try next()) { try send(frame) }
        }
    }

    func send(_ frame: WireFrame) throws { try send(try Frames.encode(frame)) }

    func send(_ bytes: [UInt8]) throws {
        guard bytes.withUnsafeBytes({ Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }) == bytes.count
        else { throw TestBedError("the connection is closed") }
    }

    /// The next frame.
    func next() throws -> WireFrame.OneOf_Kind {
        while true {
            if let payload = try buffer.next() { return try Frames.decodeJobFrame(payload) }
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = read(descriptor, &bytes, bytes.count)
            guard count > 0 else { throw TestBedError("the connection is closed") }
            buffer.append(bytes.prefix(count))
        }
    }

    /// The next result, opened.
    func result() throws -> WireJobResult {
        while true {
            guard case .finished(let finished) = try next() else { continue }
            return try WireJobResult(serializedBytes: finished.envelope.payload)
        }
    }

    /// The other side has ended the connection, without a further answer of substance.
    func isClosed() -> Bool {
        while true {
            do { if case .finished = try next() { return false } } catch { return "\(error)" == "the connection is closed" }
        }
    }

    /// A request as the ingress would sign it.
    func envelope(_ request: WireJobRequest) throws -> WireSignedEnvelope {
        try Envelope.seal(request.serializedBytes(), as: .jobRequest, keyID: keyID, key: key)
    }

    func submit(_ request: WireJobRequest) throws {
        let envelope = try envelope(request)
        try send(.with { $0.submit = .with { $0.envelope = envelope } })
    }
}

extension WireJobRequest {
    /// A request that the executor would run.
    static func good(_ job: String, parameters: [String: String] = [:], event: String = "") -> WireJobRequest {
        .with {
            $0.jobID = Random.uuidV7()
            $0.hook = job
            $0.job = job
            $0.parameters = parameters
            $0.eventID = event
            $0.dedupeKey = event.isEmpty ? "" : Hex.encode(SHA256.hash(Array(event.utf8)))
            $0.issuedAtMs = WallClock.now()
            $0.expiresAtMs = WallClock.now() + 60_000
            $0.waitUntilMs = WallClock.now() + 30_000
            $0.correlationID = "hostile"
        }
    }
}
