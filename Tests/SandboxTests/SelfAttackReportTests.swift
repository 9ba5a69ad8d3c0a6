import Glibc
import Testing

@testable import Sandbox

@Suite struct SelfAttackReportTests {
    private func line(_ aim: Attack.Aim, _ sealed: AttackOutcome, _ control: AttackOutcome) -> SelfAttackReport.Line {
        .init(attack: Attack(aim, "try") { _ in 0 }, isAllowed: false, sealed: sealed, control: control)
    }

    @Test func `a process that nobody here can see is not reached, one that is seen without the seal must be refused`() {
        #expect(line(.process, .reached(ENOENT), .reached(ENOENT)).isHeld)
        #expect(!line(.process, .reached(ENOENT), .succeeded).isHeld)
        #expect(!line(.process, .reached(ESRCH), .reached(ESRCH)).isHeld)
        #expect(!line(.file, .reached(ENOENT), .reached(ENOENT)).isHeld)
        // It is no proof of the seal either.
        #expect(!line(.process, .reached(ENOENT), .reached(ENOENT)).isProved)
    }

    @Test func `what works or gets to the kernel is not held`() {
        #expect(line(.process, .killed, .succeeded).isProved)
        for outcome in [AttackOutcome.succeeded, .reached(EINVAL), .ended(0)] {
            #expect(!line(.kernel, outcome, .succeeded).isHeld)
        }
    }
}
