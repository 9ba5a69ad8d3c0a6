import Glibc
import Testing

@testable import Sandbox

/// What a spool adds to the ingress's rules, and what it does not.
struct SpoolingIngressTests {
    private func verdict(_ name: String, _ arguments: UInt64...) -> Verdict {
        SandboxProfile.spoolingIngress.verdict(
            name: name, arguments: arguments + [UInt64](repeating: 0, count: 6 - arguments.count))
    }

    private static let workingFolder = UInt64(bitPattern: Int64(AT_FDCWD))
    private static let noFollow = UInt64(O_NOFOLLOW)

    @Test func `files are opened below the spool's folder, without following links, and nowhere else`() {
        #expect(verdict("openat", 63, 0, Self.noFollow | UInt64(O_WRONLY | O_CREAT)) == .allow)
        #expect(verdict("openat", 63, 0, UInt64(O_RDONLY)) == .killProcess)
        #expect(verdict("openat", 62, 0, Self.noFollow) == .killProcess)
        #expect(verdict("openat", Self.workingFolder, 0, Self.noFollow) == .fail(13))
    }

    @Test func `files are removed there, folders and names elsewhere are not`() {
        #expect(verdict("unlinkat", 63) == .allow)
        #expect(verdict("unlinkat", 63, 0, UInt64(AT_REMOVEDIR)) == .killProcess)
        #expect(verdict("unlinkat", Self.workingFolder) == .killProcess)
        for name in [
            "unlink", "rename", "renameat", "renameat2", "linkat", "symlinkat", "mkdirat", "fchmodat", "getdents64", "open",
        ] {
            #expect(verdict(name, 63) == .killProcess, "\(name)")
        }
    }

    @Test func `it has the ingress's other rules and four calls on descriptors besides`() {
        let more = ["unlinkat", "fsync", "fdatasync", "pread64", "pwrite64", "ftruncate"]
        let own = Set(SandboxProfile.spoolingIngress.rules.map(\.name)).subtracting(more)
        #expect(own == Set(SandboxProfile.ingress.rules.map(\.name)))
        #expect(verdict("socket", 2) == .fail(13))
        #expect(verdict("connect") == .fail(13))
        #expect(verdict("fsync", 5) == .killProcess)
    }
}
