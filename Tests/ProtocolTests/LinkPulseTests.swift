import JobProtocol
import ProtocolMessages
import Testing

@Suite struct LinkPulseTests {
    private var pulse = LinkPulse()

    private mutating func beats(_ count: Int) -> [String] {
        (0..<count).map { _ in
            switch pulse.beat() {
            case .wait: "wait"
            case .send(let frame): "ping \(frame.ping.sequence)"
            case .end(let reason): reason
            }
        }
    }

    @Test mutating func `a peer that has said nothing at the third beat is given up`() {
        pulse.opened()
        #expect(beats(3) == ["ping 1", "ping 2", "the peer has said nothing for 10 seconds or more"])
    }

    @Test mutating func `a peer that is heard before every third beat stays, and is told at each beat that this side lives`() {
        pulse.opened()
        for round in 0..<100 {
            #expect(beats(2) == ["ping \(2 * round + 1)", "ping \(2 * round + 2)"])
            pulse.heard()
        }
    }

    @Test mutating func `a peer that has not proved itself at the third beat is given up, whatever it has said`() {
        #expect(beats(1) == ["wait"])
        pulse.heard()
        #expect(beats(1) == ["wait"])
        pulse.heard()
        #expect(beats(1) == ["the peer has not proved itself within 15 seconds"])
    }
}
