/// What deliveries are served with; swapped as a whole when the settings are read again.
struct Serving: Sendable {
    var hooks: [String: Hook]
    var limits = LimitSettings()
    /// Who may ask after jobs; nil for nobody.
    var jobReading: JobReadRule?

    /// By hook.
    var hookLimits: [String: HookLimits] { hooks.mapValues(\.limits) }
}
