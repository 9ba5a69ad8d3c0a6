import Glibc
import Testing

@testable import Sandbox

/// Each rule on this machine's kernel: the call it is for gets through, and without the rule it does not. A rule whose removal changes
/// nothing is not needed.
struct LiveFilterTests {
    /// Arguments that satisfy a rule and do no harm: bad descriptors, bad addresses, a process that is not there.
    private func arguments(_ rule: SystemCallRule) -> [UInt64] {
        var arguments = [UInt64](repeating: .max, count: 6)
        if rule.name == "kill" { arguments[0] = 0x3fff_ffff }
        for condition in rule.conditions {
            arguments[condition.argument] = condition.value | (arguments[condition.argument] & ~condition.mask)
        }
        return arguments
    }

    /// What the kernel must do where the table says this.
    private func agrees(_ live: SystemCallFilter.Live, _ verdict: Verdict) -> Bool {
        switch (verdict, live) {
        case (.killProcess, .ended(SIGSYS)): true
        case (.fail(let errno), .returned(let result)): result == -Int(errno)
        case (.allow, .returned): true
        case (.allow, .ended(let signal)): signal != SIGSYS
        default: false
        }
    }

    @Test(arguments: SystemCallFilterTests.profiles)
    func `with each rule its call gets through, and without it it does not`(profile: SandboxProfile) throws {
        let architecture = try #require(SystemCallFilter.Architecture.native)
        let filter = try SystemCallFilter(profile, for: architecture)
        for (index, rule) in profile.rules.enumerated() {
            guard let number = architecture.number(of: rule.name) else { continue }
            let arguments = arguments(rule)
            let words = arguments.map { Int(bitPattern: UInt($0)) }
            let with = profile.verdict(name: rule.name, arguments: arguments)
            #expect(
                agrees(filter.tryLive(number: number, arguments: words), with),
                "\(profile.name): \(rule.name), the table says \(with)")
            var rules = profile.rules
            rules.remove(at: index)
            let fewer = SandboxProfile(name: profile.name, summary: profile.summary, rules: rules)
            let without = fewer.verdict(name: rule.name, arguments: arguments)
            #expect(without != with, "\(profile.name): the rule for \(rule.name) changes nothing")
            // Without these no process could be watched, or would end otherwise.
            guard !["exit_group", "write"].contains(rule.name) else { continue }
            let live = try SystemCallFilter(fewer, for: architecture).tryLive(number: number, arguments: words)
            #expect(
                agrees(live, without), "\(profile.name) without the rule for \(rule.name): \(live), the table says \(without)")
        }
    }

    @Test(arguments: SystemCallFilterTests.profiles)
    func `beside each condition the call does not get through`(profile: SandboxProfile) throws {
        let architecture = try #require(SystemCallFilter.Architecture.native)
        let filter = try SystemCallFilter(profile, for: architecture)
        for rule in profile.rules where !rule.conditions.isEmpty {
            guard let number = architecture.number(of: rule.name) else { continue }
            for condition in rule.conditions {
                var beside = arguments(rule)
                let lowest = condition.mask & (~condition.mask &+ 1)
                beside[condition.argument] ^= lowest
                let verdict = profile.verdict(name: rule.name, arguments: beside)
                // Not what it is at the next number of the same kind, which another rule may allow.
                guard verdict != .allow else { continue }
                let live = filter.tryLive(number: number, arguments: beside.map { Int(bitPattern: UInt($0)) })
                #expect(agrees(live, verdict), "\(profile.name): \(rule.name) beside \(condition.words): \(live)")
            }
        }
    }
}
