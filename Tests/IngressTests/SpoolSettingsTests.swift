import Settings
import Testing

@testable import Ingress

@Suite struct SpoolSettingsTests {
    private func read(_ text: String) throws -> SpoolSettings? {
        let file = try SettingsFile(text: "{\(text)}", file: "ingress.yaml")
        let settings = SpoolSettings(file.root)
        try file.finish()
        return settings
    }

    @Test func `a spool needs a folder; all else has a default`() throws {
        let spool = try #require(try read("directory: /var/lib/sallyport/spool"))
        #expect(spool.directory == "/var/lib/sallyport/spool")
        #expect(spool.maximumBytes == 64 * 1024 * 1024)
        #expect(spool.maximumDeliveries == 10_000)
        #expect(spool.keep == 86_400_000)
        #expect(throws: SettingsProblems.self) { try read("keep: 1h") }
    }

    @Test(arguments: [
        ("maximum-bytes: 1MiB", true), ("maximum-bytes: 1023KiB", false), ("maximum-bytes: 65536MiB", true),
        ("maximum-bytes: 65537MiB", false), ("maximum-deliveries: 1", true), ("maximum-deliveries: 0", false),
        ("maximum-deliveries: 100000", true), ("maximum-deliveries: 100001", false), ("keep: 1m", true), ("keep: 59s", false),
        ("keep: 7d", true), ("keep: 8d", false), ("size: 1MiB", false),
    ])
    func `a value is within its range or refused`(setting: String, isGood: Bool) {
        #expect(((try? read("directory: /spool, \(setting)")) != nil) == isGood)
    }

    @Test func `a hook spools when it says so`() throws {
        #expect(try !Samples.hook().spools)
        #expect(try Samples.hook("when-executor-away: spool").spools)
        #expect(throws: SettingsProblems.self) { try Samples.hook("when-executor-away: keep") }
    }
}
