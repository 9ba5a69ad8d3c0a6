import Settings
import Testing

@testable import Ingress

@Suite struct LimitSettingsTests {
    private func read(_ text: String) -> (limits: LimitSettings?, problems: [String]) {
        do throws(SettingsProblems) {
            let file = try SettingsFile(text: "limits: {\(text)}", file: "ingress.yaml")
            let limits = LimitSettings(file.root.mapping("limits").required("limits"))
            try file.finish()
            return (limits, [])
        } catch {
            return (nil, error.problems.map(\.description))
        }
    }

    @Test func `without a word everything has a limit`() { #expect(read("").limits == LimitSettings()) }

    @Test func `every limit can be set`() throws {
        let text = """
            rate: {deliveries: 7, per: 1m, burst: 9}, waiting: 11, body-memory: 2MiB, connections: 12, connections-per-address: 3,
            headers: 20, header-size: 2KiB, headers-size: 8KiB, streams: 4, idle: 5s, head-time: 6s, body-time: 7s, body-rate: 8B
            """
        let limits = try #require(read(text).limits)
        #expect(limits.requests.rate == .init(count: 7, period: .seconds(60), burst: 9))
        #expect(limits.requests.waiting == 11)
        #expect(limits.requests.bodies == 2 * 1024 * 1024)
        #expect(limits.http.connections == .init(total: 12, address: 3))
        #expect(limits.http.headerCount == 20)
        #expect(limits.http.decoder.maxHeaderFieldSize == 2048)
        #expect(limits.http.decoder.maxHeaderListSize == 8192)
        #expect(limits.http.streams == 4)
        #expect(limits.http.patience == .init(idle: .seconds(5), head: .seconds(6), body: .seconds(7), bodyRate: 8))
    }

    @Test(arguments: [
        ("waiting: 1", true), ("waiting: 4096", true), ("waiting: 0", false), ("waiting: 4097", false),
        ("connections: 65536", true),
        ("connections: 0", false), ("connections-per-address: 0", false), ("headers: 16", true), ("headers: 15", false),
        ("headers: 1025", false), ("header-size: 1KiB", true), ("header-size: 1023B", false),
        ("header-size: 32KiB, headers-size: 16KiB", false), ("headers-size: 1MiB", true), ("headers-size: 2MiB", false),
        ("streams: 0", false), ("streams: 1024", true), ("idle: 999ms", false), ("idle: 10m", true), ("idle: 11m", false),
        ("head-time: 1s", true), ("body-time: 0s", false), ("body-rate: 0B", true), ("body-rate: 2MiB", false),
        ("body-memory: 1MiB", true), ("body-memory: 1KiB", false), ("rate: 7", false), ("rate: {per: 1s}", false),
        ("rate: {deliveries: 0}", false), ("rate: {deliveries: 100000, per: 1d}", true),
        ("rate: {deliveries: 1, per: 2d}", false),
        ("rate: {deliveries: 1, burst: 0}", false), ("rte: {}", false),
    ])
    func `a limit is within its bounds or refused`(text: String, isGood: Bool) {
        #expect(read(text).problems.isEmpty == isGood, "\(read(text).problems)")
    }

    @Test func `a hook has limits of its own`() throws {
        #expect(try Samples.hook().limits == HookLimits())
        let hook = try Samples.hook("rate: {deliveries: 3, per: 1m}, concurrency: 2")
        #expect(hook.limits == HookLimits(rate: .init(count: 3, period: .seconds(60), burst: 3), concurrency: 2))
        #expect(throws: SettingsProblems.self) { try Samples.hook("concurrency: 0") }
        #expect(throws: SettingsProblems.self) { try Samples.hook("concurrency: 4097") }
    }
}
