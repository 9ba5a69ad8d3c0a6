/// One line of a profile: a system call, when it is met, what happens, and why.
public struct SystemCallRule: Sendable {
    /// What an argument must be for the rule to hold.
    public struct Condition: Sendable {
        /// 0 to 5.
        public let argument: Int
        /// Bits that are looked at.
        public let mask: UInt64
        /// What they must be.
        public let value: UInt64
        /// As in `no PROT_EXEC`.
        public let words: String

        static func equal(_ argument: Int, _ value: UInt64, _ words: String) -> Condition {
            Condition(argument: argument, mask: .max, value: value, words: words)
        }

        /// For arguments that are an `int` to the kernel, which does not look at the upper half.
        static func equal32(_ argument: Int, _ value: UInt32, _ words: String) -> Condition {
            Condition(argument: argument, mask: 0xffff_ffff, value: UInt64(value), words: words)
        }

        static func masked(_ argument: Int, _ mask: UInt64, _ value: UInt64, _ words: String) -> Condition {
            Condition(argument: argument, mask: mask, value: value, words: words)
        }

        static func without(_ argument: Int, bits: UInt64, _ words: String) -> Condition {
            Condition(argument: argument, mask: bits, value: 0, words: words)
        }
    }

    /// What the kernel does.
    public enum Action: Sendable, Equatable {
        case allow
        /// Fails the call with this errno: for what libraries try and can do without.
        case fail(UInt16)
    }

    /// As in `man 2`.
    public let name: String
    /// All must hold.
    public let conditions: [Condition]
    /// What happens then.
    public let action: Action
    /// Why the profile has it.
    public let reason: String

    static func allow(_ name: String, _ conditions: Condition..., because reason: String) -> SystemCallRule {
        SystemCallRule(name: name, conditions: conditions, action: .allow, reason: reason)
    }

    static func allow(_ names: [String], because reason: String) -> [SystemCallRule] {
        names.map { SystemCallRule(name: $0, conditions: [], action: .allow, reason: reason) }
    }

    static func fail(_ name: String, _ conditions: Condition..., with errno: Int32, because reason: String) -> SystemCallRule {
        SystemCallRule(name: name, conditions: conditions, action: .fail(UInt16(errno)), reason: reason)
    }

    static func fail(_ names: [String], with errno: Int32, because reason: String) -> [SystemCallRule] {
        names.map { SystemCallRule(name: $0, conditions: [], action: .fail(UInt16(errno)), reason: reason) }
    }
}
