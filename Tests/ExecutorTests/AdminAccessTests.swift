import Settings
import Testing

@testable import Executor

@Suite struct AdminAccessTests {
    private func access(_ text: String) throws -> AdminAccess {
        let file = try SettingsFile(text: text, file: "executor.yaml")
        let access = AdminSettings.access(file.root.mapping(AdminSettings.keys))
        try file.finish()
        return access
    }

    @Test func `whoever runs the executor is its operator, and nobody else, when nothing is said`() throws {
        let access = try access("socket: a")
        #expect(access.role(uid: ownUID(), gid: 4242) == .operate)
        #expect(access.role(uid: 4242, gid: 4242) == nil)
    }

    @Test func `users and groups are operators or readers, and the more it allows counts`() throws {
        let access = try access("operators: {uids: [10], gids: [20]}\nreaders: [11, 10]")
        #expect(access.role(uid: 10, gid: 1) == .operate)
        #expect(access.role(uid: 1, gid: 20) == .operate)
        #expect(access.role(uid: 11, gid: 1) == .read)
        #expect(access.role(uid: 11, gid: 20) == .operate)
        #expect(access.role(uid: 20, gid: 10) == nil)
        #expect(access.role(uid: ownUID() == 10 ? 9 : ownUID(), gid: 1) == nil)
    }

    @Test(arguments: ["operators: []", "operators: {}", "readers: {users: [1]}", "readers: [65534]", "operators: [-1]"])
    func `settings that name nobody, or everybody, are refused`(text: String) {
        #expect(throws: SettingsProblems.self) { try access(text) }
    }

    @Test func `an operator is named by the kernel, and by the command only beside that`() {
        let peer = AdminPeer(role: .operate, uid: 7)
        #expect(peer.name("ann") == "ann (uid 7)")
        #expect(peer.name("") == "uid 7")
        #expect(peer.name("a\u{1b}[31m (uid 0)\n") == "a31muid0 (uid 7)")
        #expect(peer.name(String(repeating: "a", count: 999)).utf8.count == 40)
    }
}
