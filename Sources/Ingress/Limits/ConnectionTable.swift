internal import NIOCore
internal import Synchronization

/// The connections of one listener: how many there may be, in all and from one address.
///
/// When all places are taken, whoever has been idle for longest makes room: a connection between two requests, or one that has not
/// sent the whole head of its first yet, however busily it drips. So connections that only are there keep nobody out.
final class ConnectionTable: Sendable {
    /// Why a connection is not taken.
    enum Full: String, Error, Sendable {
        /// All places are taken, by connections that are in the middle of a request.
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
        var open: [ObjectIdentifier: ConnectionPlace] = [:]
        var byAddress: [SourceAddress: Int] = [:]
        var idle = IdleOrder<ObjectIdentifier>()

        @discardableResult
        mutating func remove(_ id: ObjectIdentifier) -> ConnectionPlace? {
            guard let place = open.removeValue(forKey: id) else { return nil }
            idle.remove(id)
            if let source = place.source, let count = byAddress[source] {
                byAddress[source] = count > 1 ? count - 1 : nil
            }
            return place
        }
    }

    private let state: Mutex<State>
    /// Called with how many were closed for another's sake.
    private let madeRoom: @Sendable (Int) -> Void

    init(_ limits: Limits, madeRoom: @escaping @Sendable (Int) -> Void = { _ in }) {
        state = Mutex(State(limits: limits))
        self.madeRoom = madeRoom
    }

    /// Connections open.
    var count: Int { state.withLock { $0.open.count } }
    /// Those that would make room.
    var idleCount: Int { state.withLock { $0.idle.count } }
    /// Addresses that have a connection.
    var addressCount: Int { state.withLock { $0.byAddress.count } }

    /// Other limits from now on; who is connected stays.
    func change(to limits: Limits) { state.withLock { $0.limits = limits } }

    /// Takes a connection in until it closes.
    ///
    /// - Throws: what is full.
    func take(_ channel: any Channel) throws(Full) -> ConnectionPlace {
        try take(channel, from: SourceAddress(channel.remoteAddress))
    }

    func take(_ channel: any Channel, from source: SourceAddress?) throws(Full) -> ConnectionPlace {
        let place = ConnectionPlace(channel, source: source, in: self)
        let closing = try state.withLock { state throws(Full) in
            // First, so that nobody makes room for an address that has its share.
            if let source, state.byAddress[source, default: 0] >= state.limits.address { throw .address }
            guard state.open.count - state.idle.count < state.limits.total else { throw .total }
            var closing: [ConnectionPlace] = []
            // More than one only after the limit was lowered.
            while state.open.count >= state.limits.total, let oldest = state.idle.oldest, let idle = state.remove(oldest) {
                closing.append(idle)
            }
            if let source { state.byAddress[source, default: 0] += 1 }
            state.open[ObjectIdentifier(place)] = place
            state.idle.append(ObjectIdentifier(place))
            return closing
        }
        if !closing.isEmpty { madeRoom(closing.count) }
        for place in closing { place.makeRoom() }
        channel.closeFuture.whenComplete { _ in self.giveBack(place) }
        return place
    }

    private func giveBack(_ place: ConnectionPlace) { state.withLock { _ = $0.remove(ObjectIdentifier(place)) } }

    func setBusy(_ place: ConnectionPlace) { state.withLock { $0.idle.remove(ObjectIdentifier(place)) } }

    func setIdle(_ place: ConnectionPlace) {
        let id = ObjectIdentifier(place)
        state.withLock { state in if state.open[id] != nil { state.idle.append(id) } }
    }

    /// Tells every connection to finish what it is at and close.
    func quiesce() {
        for place in state.withLock({ Array($0.open.values) }) {
            place.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }
}
