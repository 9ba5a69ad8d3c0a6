internal import Glibc

/// What came of the attacks on one process.
public struct SelfAttackReport: Sendable {
    struct Line: Sendable {
        let attack: Attack
        /// It is this process's work.
        let isAllowed: Bool
        let sealed: AttackOutcome
        /// nil where there is none.
        let control: AttackOutcome?

        /// What ends the process in both cases, by anything but the seal, is not there on this machine.
        var isHeld: Bool {
            if isAllowed || sealed.isHeld { return true }
            // What cannot be seen cannot be reached: a unit with `ProtectProc=` hides other processes, with the seal and without it.
            if attack.aim == .process, sealed == .reached(ENOENT), control == sealed { return true }
            if case .ended(let signal) = sealed { return signal != 0 && sealed == control }
            return false
        }
        /// The seal is what stops it.
        var isProved: Bool { !isAllowed && sealed.isHeld && control?.isHeld == false }
    }

    let profile: SandboxProfile
    let landlock: Int
    let lines: [Line]

    /// Every attack failed as it must.
    public var isHeld: Bool { lines.allSatisfy(\.isHeld) }

    /// The table, and a line that sums it up.
    public var text: String {
        var text = ["self-attack on \(profile.name): \(profile.summary)", ""]
        let names = (lines.map(\.attack.name.count).max() ?? 0) + 4
        let outcomes = (lines.map(\.sealed.words.count) + [10]).max() ?? 0
        for aim in Attack.Aim.allCases {
            text.append(Self.padded(aim.rawValue, names + 6) + Self.padded("sealed", outcomes + 2) + "without the seal")
            for line in lines where line.attack.aim == aim {
                let needed = line.isHeld || line.attack.landlock <= landlock ? "" : "; needs Landlock \(line.attack.landlock)"
                text.append(
                    (line.isHeld ? "  ok  " : "FAILED") + Self.padded("  " + line.attack.name, names)
                        + Self.padded(line.isAllowed ? "its work" : line.sealed.words, outcomes + 2)
                        + (line.control?.words ?? "not tried") + needed)
            }
        }
        let held = lines.count { $0.isHeld && !$0.isAllowed }
        let proved = lines.count(where: \.isProved)
        let allowed = lines.count(where: \.isAllowed)
        text += [
            "",
            "\(profile.name): \(lines.count - allowed) attacks, \(held) failed as they must, \(proved) of those succeed or reach the kernel "
                + "without the seal; Landlock \(landlock)",
        ]
        return text.joined(separator: "\n")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
