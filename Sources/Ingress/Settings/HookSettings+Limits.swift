internal import JobProtocol
internal import Settings

extension HookSettings {
    /// What one hook may be given.
    static let concurrencyRange = 1...4096

    /// `rate` and `concurrency` of a hook.
    static func limits(_ hook: SettingsMapping) -> HookLimits {
        var limits = HookLimits()
        limits.rate = hook.optional("rate").rate() ?? limits.rate
        limits.concurrency = hook.optional("concurrency").int(in: concurrencyRange) ?? limits.concurrency
        return limits
    }
}

extension SettingsNode {
    /// Deliveries of a rate, and those at once.
    private static var rateRange: ClosedRange<Int> { 1...100_000 }

    /// `{deliveries: 10, per: 1s, burst: 20}`; `per` is a second and `burst` as many as `deliveries` when they are left out.
    func rate() -> TokenBucket.Rate? {
        guard isPresent else { return nil }
        let rate = mapping("deliveries", "per", "burst")
        let period = rate.optional("per").duration(in: .seconds(1) ... .seconds(86_400)) ?? .seconds(1)
        let burst = rate.optional("burst").int(in: Self.rateRange)
        guard let count = rate.required("deliveries").int(in: Self.rateRange) else { return nil }
        return TokenBucket.Rate(count: count, period: period, burst: burst ?? count)
    }
}
