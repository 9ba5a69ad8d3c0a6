import Settings
import Testing

@testable import Executor

@Suite struct WorkerSettingsTests {
    private func settings(_ text: String, places: Int) throws -> WorkerSettings {
        let file = try SettingsFile(text: "workers: \(text)\n", file: "executor.yaml")
        let settings = WorkerSettings(
            file.root.mapping("workers").optional("workers"), adminSocket: "/run/a/admin.sock",
            places: Set((0..<places).map { "10.0.0.1:\($0)" }))
        try file.finish()
        return settings
    }

    @Test(arguments: [
        ("{}", 40, 2, false), ("{count: 16}", 1, 16, false), ("{per-host: true}", 3, 3, true), ("{per-host: true}", 0, 1, true),
        ("{per-host: true, count: 64}", 64, 64, true),
    ])
    func `workers are two, as many as said, or one a host`(text: String, places: Int, count: Int, isPerHost: Bool) throws {
        let settings = try settings(text, places: places)
        #expect(settings.count == count)
        #expect(settings.isPerHost == isPerHost)
        #expect(settings.socket == "/run/a/workers.sock")
        #expect(settings.problem(with: []) == nil)
    }

    @Test(arguments: [
        ("{count: 17}", 1), ("{per-host: true, count: 65}", 1), ("{per-host: true, count: 2}", 3), ("{per-host: true}", 65),
        ("{per-host: maybe}", 1), ("{sharing: none}", 1),
    ])
    func `more than there may be, and fewer than hosts, are refused`(text: String, places: Int) throws {
        let error = #expect(throws: SettingsProblems.self) { try settings(text, places: places) }
        #expect(error?.problems.count == 1)
    }
}
