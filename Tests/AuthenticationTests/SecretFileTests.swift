import Glibc
import TestSupport
import Testing

@testable import Authentication

struct SecretFileTests {
    private static let secret = Array("hunter2\n".utf8)

    private func refusal(_ path: String, limit: Int = SecretBytes.maximumFile) -> AuthenticationError? {
        #expect(throws: AuthenticationError.self) { try SecretBytes.read(file: path, limit: limit) }
    }

    @Test(arguments: [0o600, 0o400, 0o700] as [mode_t])
    func `a file of one's own that nobody else can use is read`(mode: mode_t) throws {
        let folder = try TemporaryFolder()
        #expect(try SecretBytes.read(file: folder.write(Self.secret, mode: mode)).copy == Self.secret)
    }

    @Test(arguments: [0o604, 0o602, 0o601, 0o620, 0o660, 0o644, 0o666, 0o444, 0o610] as [mode_t])
    func `a file that others can use is refused with its mode, its owner and the way out`(mode: mode_t) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.secret, mode: mode)
        let error = refusal(path)
        #expect(error?.code == .unsafeFile)
        for part in [path, String(mode, radix: 8), "uid \(geteuid())", "chmod 600 \(path)"] {
            #expect(error?.message.contains(part) == true, "\(part)")
        }
        #expect(error?.message.contains("hunter2") == false)
    }

    @Test(
        arguments: [
            (0o640, 0, true), (0o440, 0, true), (0o660, 0, false), (0o650, 0, false), (0o644, 0, false), (0o602, 0, false),
            (0o600, 1000, true), (0o400, 1000, true), (0o640, 1000, false), (0o440, 1000, false), (0o604, 1000, false),
            (0o600, 1001, false), (0o400, 1001, false),
        ] as [(mode_t, uid_t, Bool)])
    func `a group may read root's file, never one's own`(mode: mode_t, owner: uid_t, accepted: Bool) {
        let error: AuthenticationError?
        do throws(AuthenticationError) {
            try SecretBytes.checkFile("/etc/x", mode: S_IFREG | mode, owner: owner, user: 1000)
            error = nil
        } catch let refusal {
            error = refusal
        }
        #expect(error?.code == (accepted ? nil : .unsafeFile))
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a file away"))
    func `a stranger's file is refused`() throws {
        let folder = try TemporaryFolder()
        let error = refusal(try folder.write(Self.secret, owner: 12_345))
        #expect(error?.code == .unsafeFile)
        #expect(error?.message.contains("uid 12345") == true)
        #expect(error?.message.contains("chown 0 ") == true)
    }

    @Test func `an empty file and one of white space are refused`() throws {
        let folder = try TemporaryFolder()
        #expect(refusal(try folder.write([]))?.code == .emptySecret)
        #expect(refusal(try folder.write(Array(" \r\n\t".utf8)))?.code == .emptySecret)
    }

    @Test func `a file is read up to the limit and refused beyond it`() throws {
        let folder = try TemporaryFolder()
        let bytes = [UInt8](repeating: 0x61, count: SecretBytes.maximumFile)
        #expect(try SecretBytes.read(file: folder.write(bytes)).count == SecretBytes.maximumFile)
        #expect(refusal(try folder.write(bytes + [0x61]))?.code == .tooLarge)
        let small = try folder.write([1, 2, 3, 4])
        #expect(try SecretBytes.read(file: small, limit: 4).count == 4)
        #expect(refusal(small, limit: 3)?.code == .tooLarge)
    }

    @Test func `what is no regular file is refused`() throws {
        let folder = try TemporaryFolder()
        #expect(refusal(folder.path)?.code == .unsafeFile)
        #expect(refusal("/dev/null")?.code == .unsafeFile)
        let pipe = folder.path + "/pipe"
        try #require(unsafe mkfifo(pipe, 0o600) == 0)
        defer { unsafe unlink(pipe) }
        #expect(refusal(pipe)?.code == .unsafeFile)
        #expect(refusal(folder.path + "/absent")?.code == .unreadable)
    }

    @Test func `a link is judged by what it leads to`() throws {
        let folder = try TemporaryFolder()
        let link = folder.path + "/link"
        let good = try folder.write(Self.secret)
        let bad = try folder.write(Self.secret, mode: 0o644)
        try #require(unsafe symlink(good, link) == 0)
        #expect(try SecretBytes.read(file: link).copy == Self.secret)
        unsafe unlink(link)
        try #require(unsafe symlink(bad, link) == 0)
        defer { unsafe unlink(link) }
        #expect(refusal(link)?.code == .unsafeFile)
    }

    @Test func `a folder in which anybody can replace the file is refused, a sticky one is not`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.secret)
        try folder.setMode(0o1777)
        #expect(try SecretBytes.read(file: path).copy == Self.secret)
        try folder.setMode(0o777)
        let error = refusal(path)
        #expect(error?.code == .unsafeFile)
        #expect(error?.message.contains("chmod o-w \(folder.path)") == true)
        try folder.setMode(0o700)
    }

    @Test func `so is one above it, and one that a group may write in where a service reads`() throws {
        let folder = try TemporaryFolder()
        let inner = folder.path + "/inner"
        try #require(unsafe mkdir(inner, 0o700) == 0)
        let path = try folder.write("inner/secret", Self.secret)
        #expect(try SecretBytes.read(file: path, isShared: false).copy == Self.secret)
        try folder.setMode(0o777)
        #expect(refusal(path)?.message.contains("chmod o-w \(folder.path)") == true)
        try folder.setMode(0o770)
        #expect(try SecretBytes.read(file: path).copy == Self.secret)
        let error = #expect(throws: AuthenticationError.self) { try SecretBytes.read(file: path, isShared: false) }
        #expect(error?.message.contains("chmod g-w \(folder.path)") == true)
        try folder.setMode(0o1777)
        #expect(try SecretBytes.read(file: path, isShared: false).copy == Self.secret)
        try folder.setMode(0o700)
    }

    @Test(arguments: [(0, true), (1000, true), (1001, false), (65_534, false)] as [(UInt32, Bool)])
    func `a folder of a stranger is refused`(owner: UInt32, isGood: Bool) {
        let error: AuthenticationError?
        do throws(AuthenticationError) {
            try SecretBytes.checkFolder(
                "/etc/x", of: "/etc/x/key", mode: S_IFDIR | 0o700, owner: owner, isShared: false, user: 1000)
            error = nil
        } catch let refusal {
            error = refusal
        }
        #expect(error?.code == (isGood ? nil : .unsafeFile))
        if !isGood { #expect(error?.message.contains("chown 1000 /etc/x") == true) }
    }
}
