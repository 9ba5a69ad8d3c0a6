internal import CLinux
internal import CSeccomp
internal import Glibc

/// A profile compiled to the bytes that the kernel gets. What is loaded is what can be looked at and tested.
public struct SystemCallFilter: Sendable {
    /// The machine a filter is for.
    public enum Architecture: Sendable, CaseIterable {
        case x86_64
        case aarch64

        /// The one this is running on; nil when it is another.
        public static var native: Architecture? {
            let native = seccomp_arch_native()
            return allCases.first { $0.token == native }
        }

        /// AUDIT_ARCH_* of linux/audit.h.
        public var token: UInt32 {
            switch self {
            case .x86_64: sallyport_arch_x86_64
            case .aarch64: sallyport_arch_aarch64
            }
        }

        /// The number of a system call; nil when this machine has none of the name.
        public func number(of name: String) -> Int32? {
            let number = unsafe seccomp_syscall_resolve_name_arch(token, name)
            return number >= 0 ? number : nil
        }
    }

    /// One instruction (struct sock_filter, linux/filter.h).
    public struct Instruction: Sendable, Equatable {
        /// What it does.
        public let code: UInt16
        /// Instructions to skip when a test holds, and when it does not.
        public let jumpTrue, jumpFalse: UInt8
        /// Its operand.
        public let k: UInt32
    }

    /// As in `ingress`.
    public let name: String
    /// The program as the kernel takes it, 8 bytes an instruction.
    public let bytes: [UInt8]

    init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    /// Compiles a profile.
    ///
    /// - Throws: ``SandboxError`` naming the rule that libseccomp does not take.
    public init(_ profile: SandboxProfile, for architecture: Architecture) throws(SandboxError) {
        name = profile.name
        guard let context = unsafe seccomp_init(SCMP_ACT_KILL_PROCESS) else { throw SandboxError("seccomp_init", errno: ENOMEM) }
        defer { unsafe seccomp_release(context) }
        try Self.check(
            "set the action for other architectures",
            unsafe seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS))
        if architecture.token != seccomp_arch_native() {
            try Self.check("remove the native architecture", unsafe seccomp_arch_remove(context, seccomp_arch_native()))
            try Self.check("add an architecture", unsafe seccomp_arch_add(context, architecture.token))
        }
        for rule in profile.rules {
            // A call that the machine does not have cannot be made.
            guard architecture.number(of: rule.name) != nil else { continue }
            let number = unsafe seccomp_syscall_resolve_name(rule.name)
            let action =
                switch rule.action {
                case .allow: SCMP_ACT_ALLOW
                case .fail(let errno): sallyport_seccomp_errno(errno)
                }
            let conditions = rule.conditions.map { condition in
                scmp_arg_cmp(
                    arg: UInt32(condition.argument), op: condition.mask == .max ? SCMP_CMP_EQ : SCMP_CMP_MASKED_EQ,
                    datum_a: condition.mask == .max ? condition.value : condition.mask,
                    datum_b: condition.mask == .max ? 0 : condition.value)
            }
            let result = unsafe seccomp_rule_add_array(context, action, number, UInt32(conditions.count), conditions)
            try Self.check("add the rule for \(rule.name)", result)
        }
        bytes = try Self.exported { descriptor in unsafe seccomp_export_bpf(context, descriptor) }
    }

    private static func check(_ step: String, _ result: Int32) throws(SandboxError) {
        guard result == 0 else { throw SandboxError(step, errno: -result) }
    }

    private static func exported(_ export: (Int32) -> Int32) throws(SandboxError) -> [UInt8] {
        let descriptor = unsafe sallyport_memory_file("filter")
        guard descriptor >= 0 else { throw SandboxError("make a file in memory", errno: -descriptor) }
        defer { close(descriptor) }
        try check("export the filter", export(descriptor))
        let length = lseek(descriptor, 0, SEEK_END)
        lseek(descriptor, 0, SEEK_SET)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            unsafe count = max(0, read(descriptor, buffer.baseAddress, length))
        }
        guard bytes.count == length, length % 8 == 0, length > 0 else { throw SandboxError("read the filter", errno: EIO) }
        return bytes
    }

    /// The instructions of ``bytes``.
    public var instructions: [Instruction] {
        stride(from: 0, to: bytes.count, by: 8).map { at in
            let code = UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8
            // Both machines are little-endian.
            let k = bytes[(at + 4)..<(at + 8)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return Instruction(code: code, jumpTrue: bytes[at + 2], jumpFalse: bytes[at + 3], k: k)
        }
    }

    /// Tries the filter on a forked child that calls execve(2), which must be the end of it. Call while there is one thread.
    func probe() throws(SandboxError) {
        guard unsafe sallyport_seccomp_probe(bytes, bytes.count / 8) == 0 else {
            throw SandboxError("prove the system call filter: a child that called execve was not killed for it", errno: 0)
        }
    }

    /// Puts all threads of the process under the filter, for good.
    func load() throws(SandboxError) {
        try Self.check("load the system call filter", unsafe sallyport_seccomp_load(bytes, bytes.count / 8))
    }
}

/// The process cannot be sealed; it must end.
public struct SandboxError: Error, CustomStringConvertible {
    let step: String
    let errno: Int32

    init(_ step: String, errno: Int32) {
        self.step = step
        self.errno = errno
    }

    /// Names the step and the reason.
    public var description: String {
        guard errno != 0 else { return "cannot \(step)" }
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return "cannot \(step): \(reason)"
    }
}
