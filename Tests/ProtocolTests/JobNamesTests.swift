import JobProtocol
import ProtocolMessages
import Testing

@Suite struct JobNamesTests {
    @Test func `every state is found again by its name`() {
        let states = WireJobStatus.allCases.filter { $0 != .unspecified }
        #expect(states.count == 8)
        for state in states { #expect(JobNames.status(named: JobNames.name(state)) == state) }
        #expect(Set(states.map { JobNames.name($0) }).count == states.count)
    }

    @Test func `a state that this version does not know is unknown, never success`() {
        #expect(JobNames.name(WireJobStatus.unspecified) == "unknown")
        #expect(JobNames.name(WireJobStatus(rawValue: 99) ?? .succeeded) == "unknown")
    }

    @Test(arguments: ["", "Succeeded", "succeeded ", "timedOut", "done", "unspecified"])
    func `a word that is no state names none`(word: String) {
        #expect(JobNames.status(named: word) == nil)
    }

    @Test func `every reason has a word of its own, in lower case with hyphens`() {
        let reasons = WireReason.allCases.filter { $0 != .unspecified }
        let names = reasons.map { JobNames.name($0) }
        #expect(Set(names).count == 16)
        for name in names {
            #expect(!name.isEmpty && name.utf8.allSatisfy { (0x61...0x7a).contains($0) || $0 == 0x2d }, "\(name)")
        }
        #expect(JobNames.name(WireReason.unspecified) == "")
    }
}
