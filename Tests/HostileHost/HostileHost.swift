import Authentication
import Foundation
import Glibc
import Synchronization
import TestSupport

/// Where in a connection a host may misbehave, in the order in which a connection comes there.
public enum HostStage: Sendable {
    case connected, keyExchange, keyReply, encrypted, service, publicKey, signature, channelOpen, exec, ready, command, output,
        trailer
    /// Beside that order: a global request, the end of the peer's input, a process group that is to be ended.
    case globalRequest, peerEOF, kill
}

/// What a host does instead of what is right, or before it.
public struct Misbehaviour: Sendable, CustomStringConvertible {
    /// What follows the act.
    public enum Then { case goOn, nothing }

    let name: String
    let stage: HostStage
    let act: @Sendable (HostSession, HostChannel?) throws -> Then
    /// Its name.
    public var description: String { name }

    /// - Parameter act: may throw, which ends the connection.
    public init(_ name: String, at stage: HostStage, _ act: @escaping @Sendable (HostSession, HostChannel?) throws -> Then) {
        self.name = name
        self.stage = stage
        self.act = act
    }
}

/// An SSH host of the tests' own, on loopback: a blocking thread a connection, and one thing that it does not do as it should.
///
/// It knows curve25519-sha256, ssh-ed25519, aes256-ctr and hmac-sha2-256, lets everybody in, and runs nothing.
public final class HostileHost: Sendable {
    /// Where it listens, on 127.0.0.1.
    public let port: Int
    let misbehaviour: Misbehaviour
    private let listener: Int32
    private let state: Mutex<State>

    private struct State {
        var key: Ed25519PrivateKey
        var open: [ObjectIdentifier: PacketSocket] = [:]
        var connections = 0
        var channels = 0
        var commands = 0
        /// Times it still misbehaves.
        var left: Int
        var isSigningWrong = false
        var isStopped = false
    }

    /// Listens at once. It misbehaves every time, or `times` times and is honest from then on.
    public init(_ misbehaviour: Misbehaviour = .none, times: Int = .max) throws {
        self.misbehaviour = misbehaviour
        state = Mutex(State(key: try .generate(), left: times))
        // A host that does not read is soon full.
        let (listener, port) = try FreePort.listener(room: 16 * 1024)
        (self.listener, self.port) = (listener, port)
        thread { [listener, weak self] in
            while case let descriptor = accept(listener, nil, nil), descriptor >= 0 {
                if let self { serve(descriptor) } else { close(descriptor) }
            }
            close(listener)
        }
    }

    deinit { stop() }

    /// Ends every connection and takes no more.
    public func stop() {
        state.withLock { state in
            // Once: the accepting thread then closes it, and the number may be another's.
            if !state.isStopped { shutdown(listener, Int32(SHUT_RDWR)) }
            state.isStopped = true
            for socket in state.open.values { socket.hangUp() }
        }
    }

    private func serve(_ descriptor: Int32) {
        thread { [self] in
            let session = HostSession(descriptor, of: self)
            let packets = session.packets
            state.withLock { state in
                state.connections += 1
                state.open[ObjectIdentifier(packets)] = packets
            }
            try? session.run()
            packets.hangUp()
            state.withLock { _ = $0.open.removeValue(forKey: ObjectIdentifier(packets)) }
        }
    }

    private func thread(_ body: @escaping @Sendable () -> Void) { Thread(block: body).start() }

    /// Ends every connection there is.
    public func dropConnections() { state.withLock { for socket in $0.open.values { socket.hangUp() } } }

    /// It was stopped: whoever waits here need not any more.
    public var isStopped: Bool { state.withLock { $0.isStopped } }
    /// Connections so far.
    public var connections: Int { state.withLock { $0.connections } }
    /// Commands that were sent to it so far.
    public var commands: Int { state.withLock { $0.commands } }

    /// Its host key in wire form.
    public var hostKey: [UInt8] {
        var writer = MessageWriter()
        writer.text("ssh-ed25519")
        writer.string(state.withLock { $0.key.publicKey.raw })
        return writer.bytes
    }

    /// Another host key from now on.
    public func changeHostKey() throws {
        let key = try Ed25519PrivateKey.generate()
        state.withLock { $0.key = key }
    }

    /// Signatures under its host key are wrong from now on.
    public func signWrong() { state.withLock { $0.isSigningWrong = true } }

    func signature(of hash: [UInt8]) -> [UInt8] {
        let (key, isWrong) = state.withLock { ($0.key, $0.isSigningWrong) }
        var writer = MessageWriter()
        writer.text("ssh-ed25519")
        writer.string((try? key.sign(isWrong ? hash.reversed() : hash)) ?? [])
        return writer.bytes
    }

    func channelOpened() -> Int {
        state.withLock {
            $0.channels += 1; return $0.channels
        }
    }
    func commandArrived() { state.withLock { $0.commands += 1 } }
    func misbehaves() -> Bool {
        state.withLock { state in
            guard state.left > 0 else { return false }
            state.left -= 1
            return true
        }
    }
}

extension Misbehaviour {
    /// An honest host.
    public static let none = Misbehaviour("none", at: .connected) { _, _ in .goOn }
}
