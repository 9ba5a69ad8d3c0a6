import Glibc
import Testing

@testable import Sandbox

/// Each runs in a process of its own: what is given up never comes back.
@Suite struct ProcessHardeningTests {
    private static let crashSignals = [SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV]

    /// What the kernel says about the calling thread.
    private static func status() -> [String: String] {
        var text: [UInt8] = []
        let descriptor = unsafe open("/proc/thread-self/status", O_RDONLY)
        defer { close(descriptor) }
        var piece = [UInt8](repeating: 0, count: 4096)
        while case let count = unsafe read(descriptor, &piece, piece.count), count > 0 { text += piece[..<count] }
        var fields: [String: String] = [:]
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { fields[String(parts[0])] = String(parts[1].drop { $0 == "\t" || $0 == " " }) }
        }
        return fields
    }

    @Test func `every capability is gone, of all five sets`() async {
        await #expect(processExitsWith: .success) {
            try ProcessHardening.apply()
            let status = Self.status()
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                // Who may not change the bounding set keeps it; nothing can be gained from it with no_new_privs.
                if set == "CapBnd", getuid() != 0 { continue }
                #expect(status[set] == "0000000000000000", "\(set)")
            }
        }
    }

    @Test func `no program started later can gain privileges, and files are for the owner only`() async {
        await #expect(processExitsWith: .success) {
            try ProcessHardening.apply()
            let status = Self.status()
            #expect(status["NoNewPrivs"] == "1")
            #expect(status["Umask"] == "0077")
        }
    }

    @Test func `memory is in no dump and open to no neighbour`() async {
        await #expect(processExitsWith: .success) {
            try ProcessHardening.apply()
            var limit = rlimit()
            #expect(unsafe getrlimit(__rlimit_resource_t(UInt32(RLIMIT_CORE.rawValue)), &limit) == 0)
            #expect(limit.rlim_cur == 0)
            #expect(limit.rlim_max == 0)
            #expect(!ProcessHardening.isDumpable)
        }
    }

    @Test func `crash signals are the kernel's again and a broken pipe is no end`() async {
        await #expect(processExitsWith: .success) {
            // As the runtime's crash handler does.
            for signal in Self.crashSignals { Glibc.signal(signal) { _ in } }
            try ProcessHardening.apply()
            let status = Self.status()
            let caught = try #require(UInt64(status["SigCgt"] ?? "", radix: 16))
            for signal in Self.crashSignals {
                #expect(caught >> UInt64(signal - 1) & 1 == 0, "signal \(signal)")
            }
            let ignored = try #require(UInt64(status["SigIgn"] ?? "", radix: 16))
            #expect(ignored >> UInt64(SIGPIPE - 1) & 1 == 1)
        }
    }

    @Test func `a crash ends the process at once, by its signal`() async {
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            Glibc.signal(SIGSEGV) { _ in _exit(0) }
            try ProcessHardening.apply()
            raise(SIGSEGV)
        }
    }

    @Test func `steps may be applied twice`() async {
        await #expect(processExitsWith: .success) {
            try ProcessHardening.apply()
            try ProcessHardening.apply()
        }
    }

    @Test func `a parent that is not the expected one is an error that names the step`() async {
        await #expect(processExitsWith: .success) {
            let error = #expect(throws: HardeningError.self) { try ProcessHardening.follow(parent: getppid() + 1) }
            #expect(error?.description.contains("follow the parent process") == true)
            try ProcessHardening.follow(parent: getppid())
            #expect(ProcessHardening.parentDeathSignal == SIGTERM)
        }
    }
}
