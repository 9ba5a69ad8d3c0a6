internal import NIOCore
internal import Synchronization

/// The connections of one listener: how many there may be, in all and from one address.
final class ConnectionTable: Sendable {
    /// Why a connection is not taken.
    enum Full: String, Sendable {
        case total
        case address
    }

    /// How many may be open at once.
    struct Limits: Sendable, Equatable {
        var total = 4096
        /// From one IPv4 address or one IPv6 network of 64 bits. Behind a proxy all senders have the proxy's address.
        var address = 512
    }

    private struct State {
        var limits: Limits
        var open: [ObjectIdentifier: any Channel] = [:]
        var byAddress: [SourceAddress: Int] = [:]
    }

    private let state: Mutex<State>

    init(_ limits: Limits) { state = Mutex(State(limits: limits)) }

    /// Connections open.
    var count: Int { state.withLock { $0.open.count } }

    /// Other limits from now on; who is connected stays.
    func change(to limits: Limits) { state.withLock { $0.limits = limits } }

    /// Takes a connection in until it closes, or says what is full.
    func take(_ channel: any Channel) -> Full? {
        let source = SourceAddress(channel.remoteAddress)
        let full = take(ObjectIdentifier(channel), channel, from: source)
        if full == nil { channel.closeFuture.whenComplete { _ in self.giveBack(ObjectIdentifier(channel), from: source) } }
        return full
    }

    func take(_ id: ObjectIdentifier, _ channel: any Channel, from source: SourceAddress?) -> Full? {
        state.withLock { state in
            guard state.open.count < state.limits.total else { return .total }
            if let source {
                guard state.byAddress[source, default: 0] < state.limits.address else { return .address }
                state.byAddress[source, default: 0] += 1
            }
            state.open[id] = channel
            return nil
        }
    }

    func giveBack(_ id: ObjectIdentifier, from source: SourceAddress?) {
        state.withLock { state in
            guard state.open.removeValue(forKey: id) != nil, let source, let count = state.byAddress[source] else { return }
            state.byAddress[source] = count > 1 ? count - 1 : nil
        }
    }

    /// Addresses that have a connection.
    var addressCount: Int { state.withLock { $0.byAddress.count } }

    /// Tells every connection to finish what it is at and close.
    func quiesce() {
        for channel in state.withLock({ Array($0.open.values) }) {
            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }
}
