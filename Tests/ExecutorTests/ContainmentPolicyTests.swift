import Settings
import Testing

@testable import Executor

@Suite struct ContainmentPolicyTests {
    private func policy(_ more: String) throws -> Policy {
        try Samples.policy("deploy: {command: [/bin/a], destinations: [web-1], timeout: 1s\(more)}")
    }

    @Test func `a job in systemd units says so, and is another policy than one without`() throws {
        let (plain, none, systemd) = (try policy(""), try policy(", contain: none"), try policy(", contain: systemd"))
        #expect(plain.digest == none.digest)
        #expect(plain.digest != systemd.digest)
        #expect(systemd.jobs["deploy"]?.containment == .systemd)
        #expect(systemd.jobs["deploy"]?.words.contains("in a systemd unit of its own on the host") == true)
        #expect(plain.jobs["deploy"]?.words.contains("systemd") == false)
    }

    @Test func `another word is refused with those that there are`() {
        let error = #expect(throws: SettingsProblems.self) { try policy(", contain: docker") }
        #expect(error?.description.contains("systemd") == true)
    }
}
