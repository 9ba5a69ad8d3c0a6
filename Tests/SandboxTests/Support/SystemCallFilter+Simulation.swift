@testable import Sandbox

/// What the kernel answers to a system call under a filter.
enum Verdict: Equatable, Sendable {
    case allow
    case fail(UInt16)
    case killProcess
    /// The program is not one that the kernel would take.
    case malformed
}

extension SystemCallFilter {
    /// Runs the program as the kernel does (seccomp(2), `struct seccomp_data`): the instructions that libseccomp emits, no others.
    ///
    /// - Parameters:
    ///   - architecture: AUDIT_ARCH_* of the call.
    ///   - number: of the system call, with the x32 bit where there is one.
    func verdict(architecture: UInt32, number: UInt32, arguments: [UInt64]) -> Verdict {
        let program = instructions
        var accumulator: UInt32 = 0
        var at = 0
        while at < program.count {
            let instruction = program[at]
            at += 1
            switch instruction.code {
            case 0x20:  // BPF_LD | BPF_W | BPF_ABS
                guard let word = Self.word(Int(instruction.k), architecture, number, arguments) else { return .malformed }
                accumulator = word
            case 0x54: accumulator &= instruction.k  // BPF_ALU | BPF_AND
            case 0x05: at += Int(instruction.k)  // BPF_JMP | BPF_JA
            case 0x15, 0x25, 0x35:  // BPF_JEQ, BPF_JGT, BPF_JGE
                let holds =
                    switch instruction.code {
                    case 0x15: accumulator == instruction.k
                    case 0x25: accumulator > instruction.k
                    default: accumulator >= instruction.k
                    }
                at += Int(holds ? instruction.jumpTrue : instruction.jumpFalse)
            case 0x06: return Self.verdict(instruction.k)  // BPF_RET
            default: return .malformed
            }
        }
        return .malformed
    }

    /// Four bytes of `struct seccomp_data`: number, architecture, instruction pointer, six arguments.
    private static func word(_ offset: Int, _ architecture: UInt32, _ number: UInt32, _ arguments: [UInt64]) -> UInt32? {
        switch offset {
        case 0: return number
        case 4: return architecture
        case 8, 12: return 0
        case 16..<64 where offset % 4 == 0:
            let argument = arguments[(offset - 16) / 8]
            return UInt32(truncatingIfNeeded: offset % 8 == 0 ? argument : argument >> 32)
        default: return nil
        }
    }

    private static func verdict(_ value: UInt32) -> Verdict {
        switch value & 0xffff_0000 {
        case 0x7fff_0000: .allow
        case 0x0005_0000: .fail(UInt16(truncatingIfNeeded: value))
        case 0x8000_0000: .killProcess
        default: .malformed
        }
    }
}

extension SandboxProfile {
    /// What the table of rules says about a call, without any filter: the one that the filter is held against.
    func verdict(name: String, arguments: [UInt64]) -> Verdict {
        let matching = rules.filter { rule in
            rule.name == name && rule.conditions.allSatisfy { arguments[$0.argument] & $0.mask == $0.value }
        }
        guard let first = matching.first else { return .killProcess }
        switch first.action {
        case .allow: return .allow
        case .fail(let errno): return .fail(errno)
        }
    }
}
