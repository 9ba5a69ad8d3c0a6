import Glibc
import Settings
import Testing

@testable import Executor

@Suite struct AuditSettingsTests {
    private func read(_ text: String) throws -> AuditSettings? {
        let file = try SettingsFile(text: text, file: "/etc/sallyport/executor.yaml")
        let settings = AuditSettings.read(
            file.root, beside: "/var/lib/sallyport", keyID: "executor", key: try Samples.executorKey.get())
        try file.finish()
        return settings
    }

    @Test func `what is left out has its default`() throws {
        let settings = try #require(try read("{}"))
        #expect(settings.path == "/var/lib/sallyport/audit")
        #expect(settings.origin == "sallyport/executor")
        #expect(settings.checkpointEvery == 256)
        #expect(settings.checkpointInterval == .seconds(60))
        #expect(settings.segmentSize == 64 * 1024 * 1024)
        #expect(settings.maximumSize == 4096 * 1024 * 1024)
    }

    @Test func `all of it is read`() throws {
        let settings = try #require(
            try read(
                "{path: log, origin: example.com/edge, checkpoint-every: 16384, checkpoint-interval: 1h, segment-size: 1KiB, maximum-size: 1MiB}"
            ))
        #expect(settings.path == "/etc/sallyport/log")
        #expect(settings.origin == "example.com/edge")
        #expect(settings.checkpointEvery == 16_384)
        #expect(settings.checkpointInterval == .seconds(3600))
        #expect(settings.segmentSize == 1024)
        #expect(settings.maximumSize == 1024 * 1024)
    }

    @Test func `the origin may be a variable's, which stays for the next reload`() throws {
        unsafe setenv("SALLYPORT_TEST_ORIGIN", "sallyport-2", 1)
        for _ in 1...2 {
            #expect(try read("{origin: {env: SALLYPORT_TEST_ORIGIN}}")?.origin == "sallyport-2")
        }
    }

    @Test func `a variable that is not there or no origin is a problem, which does not repeat it`() throws {
        unsafe setenv("SALLYPORT_TEST_NO_ORIGIN", "hunter 2", 1)
        unsafe setenv("SALLYPORT_TEST_EMPTY_ORIGIN", "", 1)
        for (name, expected) in [
            ("NO_ORIGIN", "`origin` must have letters, digits and ./_- alone"),
            ("EMPTY_ORIGIN", "SALLYPORT_TEST_EMPTY_ORIGIN is not set, or empty"),
            ("MISSING_ORIGIN", "SALLYPORT_TEST_MISSING_ORIGIN is not set, or empty"),
        ] {
            let problems = try #require(throws: SettingsProblems.self) {
                try read("{origin: {env: SALLYPORT_TEST_\(name)}}")
            }
            #expect("\(problems)".contains(expected))
            #expect(!"\(problems)".contains("hunter"))
        }
    }

    @Test(arguments: [
        "checkpoint-every: 0", "checkpoint-every: 16385", "checkpoint-interval: 999ms", "checkpoint-interval: 3601s",
        "origin: a b", "origin: {}", "origin: {env: A, file: b}", "origin: {file: b}", "origin: [a]",
        "origin: a+b", "segment-size: 1023B", "maximum-size: 1023KiB", "unknown: 1",
    ])
    func `what is out of its limits is a problem`(setting: String) {
        #expect(throws: SettingsProblems.self) { try read("{\(setting)}") }
    }
}
