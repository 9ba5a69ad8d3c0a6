import Glibc
import Testing

@testable import Sandbox

/// The program that the kernel gets, run by an interpreter over every call, against the table that is reviewed: libseccomp's own
/// compiler has weakened filters before (GHSA-4q85-33p6-j5g6).
struct SystemCallFilterTests {
    static let profiles = [SandboxProfile.ingress, .spoolingIngress, .settingsReader, .executor, .worker, .exporter]
    /// Beyond the last system call of any machine.
    static let numbers: Range<UInt32> = 0..<700
    static let none = [UInt64](repeating: 0, count: 6)

    /// Names by number; what libseccomp knows no name for is nobody's rule.
    private func names(_ profile: SandboxProfile, _ architecture: SystemCallFilter.Architecture) -> [UInt32: String] {
        var names: [UInt32: String] = [:]
        for rule in profile.rules {
            if let number = architecture.number(of: rule.name) { names[UInt32(number)] = rule.name }
        }
        return names
    }

    /// Arguments at every edge of every condition: what it asks for, one bit beside it, the upper half set, nothing and everything.
    private func arguments(_ rules: [SystemCallRule]) -> [[UInt64]] {
        var cases = [Self.none, [UInt64](repeating: .max, count: 6)]
        for condition in rules.flatMap(\.conditions) {
            let base = condition.value
            for value in [base, base ^ 1, base | 1 << 32, base | 1 << 63, base &+ 1, base &- 1, ~base, base | ~condition.mask]
                + (0..<32).map({ base ^ 1 << UInt64($0) })
            {
                for fill in [0, UInt64.max] {
                    var arguments = [UInt64](repeating: fill, count: 6)
                    arguments[condition.argument] = value
                    cases.append(arguments)
                }
            }
        }
        return cases
    }

    @Test(arguments: profiles, SystemCallFilter.Architecture.allCases)
    func `the program says what the table says, for every call and every edge`(
        profile: SandboxProfile, architecture: SystemCallFilter.Architecture
    ) throws {
        let filter = try SystemCallFilter(profile, for: architecture)
        let names = names(profile, architecture)
        for number in Self.numbers {
            let name = names[number]
            for arguments in arguments(profile.rules.filter { $0.name == name }) {
                let expected = name.map { profile.verdict(name: $0, arguments: arguments) } ?? .killProcess
                let seen = filter.verdict(architecture: architecture.token, number: number, arguments: arguments)
                guard seen != expected else { continue }
                Issue.record("\(profile.name) \(name ?? "\(number)") \(arguments): \(seen), the table says \(expected)")
            }
        }
    }

    @Test(arguments: profiles, SystemCallFilter.Architecture.allCases)
    func `a call of another architecture or of x32 ends the process, whatever it is`(
        profile: SandboxProfile, architecture: SystemCallFilter.Architecture
    ) throws {
        let filter = try SystemCallFilter(profile, for: architecture)
        // i386, ARM, and the other one of the two.
        for other in [0x4000_0003, 0x4000_0028, 0xc000_003e, 0xc000_00b7] as [UInt32] where other != architecture.token {
            for number in Self.numbers {
                #expect(filter.verdict(architecture: other, number: number, arguments: Self.none) == .killProcess)
            }
        }
        guard architecture == .x86_64 else { return }
        for number in Self.numbers {
            let x32 = number | 0x4000_0000
            #expect(filter.verdict(architecture: architecture.token, number: x32, arguments: Self.none) == .killProcess)
        }
    }

    @Test(arguments: profiles)
    func `what no process of ours may do is in no table`(profile: SandboxProfile) {
        let forbidden = [
            "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd",
            "io_uring_setup", "io_uring_enter", "userfaultfd", "memfd_create", "bpf", "perf_event_open", "keyctl", "add_key",
            "unshare",
            "setns", "mount", "chroot", "pivot_root", "kexec_load", "init_module", "finit_module", "seccomp", "personality",
            "reboot",
            "sendmsg", "tgkill", "tkill", "shmget", "msgget", "semget",
        ]
        for name in forbidden { #expect(profile.verdict(name: name, arguments: Self.none) == .killProcess, "\(name)") }
    }

    @Test func `each process has what it alone is for, and no more`() {
        func verdict(_ profile: SandboxProfile, _ name: String, _ arguments: UInt64...) -> Verdict {
            profile.verdict(name: name, arguments: arguments + [UInt64](repeating: 0, count: 6 - arguments.count))
        }
        // AF_UNIX 1, AF_INET 2, AF_NETLINK 16.
        #expect(verdict(.ingress, "socket", 2) == .fail(13))
        #expect(verdict(.ingress, "connect") == .fail(13))
        #expect(verdict(.ingress, "sendto", 3, 0, 0, 0, 0xdead) == .killProcess)
        #expect(verdict(.ingress, "sendto", 3, 0, 0, 0, 0) == .allow)
        #expect(verdict(.ingress, "openat") == .fail(13))
        for name in ["unlinkat", "fsync", "fdatasync", "pread64", "pwrite64", "ftruncate", "renameat", "mkdirat"] {
            #expect(verdict(.ingress, name, 63) == .killProcess, "\(name)")
        }
        #expect(verdict(.ingress, "clone", 0x120_0011) == .killProcess)
        #expect(verdict(.settingsReader, "clone", 0x120_0011) == .allow)
        #expect(verdict(.settingsReader, "openat", 0, 0, 1) == .killProcess)
        for name in ["socket", "connect", "sendto", "accept4", "bind"] {
            #expect(verdict(.settingsReader, name, 1) == .killProcess, "\(name)")
        }
        #expect(verdict(.executor, "socket", 1) == .allow)
        #expect(verdict(.executor, "socket", 2) == .killProcess)
        #expect(verdict(.executor, "kill", 1, 9) == .allow)
        #expect(verdict(.executor, "kill", 1, 15) == .killProcess)
        let here = UInt64(bitPattern: Int64(AT_FDCWD))
        #expect(verdict(.executor, "openat", here, 0, 1) == .fail(13))
        #expect(verdict(.executor, "openat", here, 0, 2) == .fail(13))
        // The audit log's next file: made there, and nothing else is written to.
        let new = UInt64(SandboxProfile.newFile)
        #expect(verdict(.executor, "openat", 63, 0, new) == .allow)
        #expect(verdict(.executor, "openat", 63, 0, new & ~UInt64(O_EXCL)) == .killProcess)
        #expect(verdict(.executor, "openat", 62, 0, new) == .killProcess)
        #expect(verdict(.executor, "openat", here, 0, new) == .fail(13))
        #expect(verdict(.worker, "socket", 2, 1) == .allow)
        // A stream with close-on-exec; SOCK_SEQPACKET; MPTCP.
        #expect(verdict(.worker, "socket", 2, 0x80001, 6) == .allow)
        #expect(verdict(.worker, "socket", 2, 5) == .killProcess)
        #expect(verdict(.worker, "socket", 2, 1, 262) == .killProcess)
        #expect(verdict(.worker, "openat", 0, 0, UInt64(O_CREAT)) == .killProcess)
        #expect(verdict(.settingsReader, "openat", 0, 0, UInt64(O_TRUNC)) == .killProcess)
        #expect(verdict(.worker, "socket", 17) == .killProcess)
        #expect(verdict(.worker, "kill") == .killProcess)
        #expect(verdict(.worker, "openat", 0, 0, 1) == .killProcess)
        for profile in Self.profiles {
            // PROT_EXEC 4; a clone that is no thread.
            #expect(verdict(profile, "mmap", 0, 0, 4) == .killProcess)
            #expect(verdict(profile, "mprotect", 0, 0, 5) == .killProcess)
            #expect(verdict(profile, "clone", 17) == .killProcess)
        }
    }

    @Test(arguments: profiles)
    func `every rule has a reason, and none stands twice`(profile: SandboxProfile) {
        var seen: Set<String> = []
        for rule in profile.rules {
            #expect(!rule.reason.isEmpty)
            #expect(
                seen.insert("\(rule.name) \(rule.conditions.map { "\($0.argument) \($0.mask) \($0.value)" })").inserted,
                "\(rule.name)")
        }
    }

    @Test func `a program that is none is not taken for one that allows`() {
        let program = SystemCallFilter(name: "none", bytes: [0x15, 0, 0, 0, 0, 0, 0, 0])
        #expect(program.verdict(architecture: 0, number: 0, arguments: Self.none) == .malformed)
    }
}
