/// A profile for a reviewer: in words, as a table, and as the program that the kernel gets.
public struct SandboxReport: Sendable {
    private let profile: SandboxProfile
    private let files: FileAccess?

    /// Of a profile with the files and ports it is used with.
    ///
    /// - Parameter files: nil for a process that Landlock does not restrict.
    public init(_ profile: SandboxProfile, files: FileAccess?) {
        self.profile = profile
        self.files = files
    }

    /// The whole report.
    ///
    /// - Throws: ``SandboxError`` when the filter cannot be compiled.
    public func text() throws(SandboxError) -> String {
        var lines = ["\(profile.name): \(profile.summary)", ""]
        lines += ["Every system call that is not below ends the process, and so does every one of another architecture.", ""]
        let width = profile.rules.map(\.name.count).max() ?? 0
        for rule in profile.rules {
            let name = rule.name + String(repeating: " ", count: width - rule.name.count)
            let action =
                switch rule.action {
                case .allow: "allowed"
                case .fail(let errno): "fails with errno \(errno)"
                }
            let conditions = rule.conditions.map { "argument \($0.argument + 1): \($0.words)" }.joined(separator: ", ")
            lines.append("  \(name)  \(action)\(conditions.isEmpty ? "" : ", \(conditions)") — \(rule.reason)")
        }
        lines += [""] + (files.map(Self.lines) ?? ["Files: whatever its user may read; no Landlock"])
        for architecture in SystemCallFilter.Architecture.allCases {
            let filter = try SystemCallFilter(profile, for: architecture)
            lines += ["", "Program for \(architecture), \(filter.instructions.count) instructions:"]
            for (index, instruction) in filter.instructions.enumerated() {
                lines.append("  \(Self.padded(index))  \(instruction.words(at: index))")
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func lines(_ files: FileAccess) -> [String] {
        var lines = ["Files (Landlock, version \(FileAccess.kernelVersion) in this kernel); every other one is out of reach:"]
        lines += files.readable.map { "  read   \($0)" } + files.usable.map { "  use    \($0)" }
        if files.readable.isEmpty, files.usable.isEmpty { lines.append("  none") }
        lines += ["", "TCP ports that may be connected to (Landlock 4 and later): \(Self.words(files.ports))"]
        lines.append("Signals to processes outside (Landlock 6 and later): \(files.signals ? "as the table says" : "none")")
        lines.append("TCP ports that may be listened at: none but those that are open already")
        return lines
    }

    private static func words(_ ports: [UInt16]) -> String {
        ports.isEmpty ? "none" : ports.sorted().map(String.init).joined(separator: ", ")
    }

    private static func padded(_ index: Int) -> String {
        let digits = String(index)
        return String(repeating: " ", count: max(0, 4 - digits.count)) + digits
    }
}

extension SystemCallFilter.Instruction {
    /// As an assembler would write it; jumps name the instruction they go to.
    func words(at index: Int) -> String {
        let value = "0x" + String(k, radix: 16)
        switch code {
        case 0x20: return "load   [\(k)]"
        case 0x54: return "and    \(value)"
        case 0x05: return "jump   \(index + 1 + Int(k))"
        case 0x15, 0x25, 0x35:
            let test = code == 0x15 ? "==" : code == 0x25 ? "> " : ">="
            return "if \(test)  \(value) then \(index + 1 + Int(jumpTrue)) else \(index + 1 + Int(jumpFalse))"
        case 0x06: return "return \(value)"
        default: return "unknown \(code)"
        }
    }
}
