import Glibc
import TestSupport
import Testing

/// What the service manager hears from the executor.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct ExecutorNotifyTests {
    private let bed: TestBed
    private let manager: NotifySocket

    init() throws {
        bed = try TestBed()
        bed.executor.stop()
        manager = try NotifySocket(bed.folder.appending(path: "notify").path)
    }

    /// As systemd starts it: the process that it watches is the supervisor, which has another number than the executor proper.
    private func start(watchdog: String? = nil) throws -> Daemon {
        var environment = ["NOTIFY_SOCKET": manager.path]
        environment["WATCHDOG_USEC"] = watchdog
        environment["WATCHDOG_PID"] = watchdog.map { _ in "1" }
        let executor = Daemon(
            try TestBed.binary("sallyport-executor"),
            ["serve", "--config", bed.box.appending(path: "executor.yaml").path],
            log: bed.folder.appending(path: "told.log"), environment: environment)
        try executor.start()
        return executor
    }

    @Test func `it is told when the executor is ready, reads again, and stops`() throws {
        let executor = try start()
        #expect(manager.next() == "READY=1")
        kill(executor.pid, SIGHUP)
        #expect(manager.next()?.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") == true)
        #expect(manager.next() == "READY=1")
        #expect(executor.stop(SIGTERM) == 0)
        #expect(manager.next() == "STOPPING=1")
    }

    @Test func `the watchdog is fed while jobs are looked after, and not when that stands still`() throws {
        let executor = try start(watchdog: "400000")
        #expect(manager.nextState() == "READY=1")
        for _ in 0..<5 { #expect(manager.next(within: 2000) == "WATCHDOG=1") }
        let proper = try #require(
            ProcessTable.all().first { $0.parent == executor.pid && $0.commandLine.contains("sallyport-executor run") })
        kill(proper.pid, SIGSTOP)
        while manager.next(within: 100) != nil {}
        #expect(manager.next(within: 1000) == nil)
        kill(proper.pid, SIGCONT)
        #expect(manager.next(within: 2000) == "WATCHDOG=1")
        // Another executor proper feeds it, too.
        kill(proper.pid, SIGKILL)
        #expect(manager.nextState() == "READY=1")
        #expect(manager.next(within: 2000) == "WATCHDOG=1")
        #expect(executor.stop(SIGTERM) == 0)
        #expect(manager.nextState() == "STOPPING=1")
    }
}
