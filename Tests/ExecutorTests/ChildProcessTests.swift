import Glibc
import Testing

@testable import Executor

@Suite struct ChildProcessTests {
    private func ended(_ child: inout ChildProcess, startedAt start: Int, endedAt end: Int) throws -> Int {
        try child.start(now: start)
        var status: Int32 = 0
        #expect(unsafe waitpid(child.pid, &status, 0) == child.pid)
        child.ended(now: end)
        #expect(!child.isRunning)
        return child.startsAt - end
    }

    @Test func `a child that keeps ending is started ever later, up to a limit`() throws {
        var child = ChildProcess(name: "worker", path: "/bin/true", arguments: [])
        #expect(child.startsAt == 0)
        var waits: [Int] = []
        for index in 0..<8 { waits.append(try ended(&child, startedAt: index * 20_000, endedAt: index * 20_000 + 9_999)) }
        #expect(waits == [100, 200, 400, 800, 1600, 3200, 5000, 5000])
    }

    @Test func `a child that lived for long begins with the first wait again`() throws {
        var child = ChildProcess(name: "worker", path: "/bin/true", arguments: [])
        for _ in 0..<3 { _ = try ended(&child, startedAt: 0, endedAt: 1) }
        #expect(try ended(&child, startedAt: 0, endedAt: 10_000) == 100)
        #expect(try ended(&child, startedAt: 0, endedAt: 1) == 200)
    }

    @Test func `what cannot be started is an error that names the path, and is no running child`() {
        var child = ChildProcess(name: "worker", path: "/nonexistent/worker", arguments: [])
        let error = #expect(throws: SpawnError.self) { try child.start(now: 1000) }
        #expect(error?.description == "cannot start /nonexistent/worker: No such file or directory")
        #expect(!child.isRunning)
        #expect(child.startsAt == 1100)
    }

    @Test func `a child gets its arguments, and is running until it ended`() throws {
        var child = ChildProcess(name: "worker", path: "/bin/sh", arguments: ["-c", "exit $#", "0", "a b", "c"])
        try child.start(now: 0)
        #expect(child.isRunning)
        var status: Int32 = 0
        #expect(unsafe waitpid(child.pid, &status, 0) == child.pid)
        #expect(status >> 8 == 2)
    }
}
