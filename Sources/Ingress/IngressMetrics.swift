internal import Telemetry

/// What the ingress counts. Labels come from the settings and the code, never from a sender.
struct IngressMetrics: Sendable {
    let registry = MetricsRegistry()
    let deliveries: CounterFamily
    let violations: CounterFamily
    let tokenLookups: CounterFamily

    init() throws(MetricsError) {
        deliveries = try registry.counter(
            "sallyport_deliveries_total", help: "Requests to hooks, by what became of them.", labels: ["hook", "outcome"])
        violations = try registry.counter(
            "sallyport_protocol_violations_total", help: "Executor connections ended for what was sent.", labels: ["kind"])
        tokenLookups = try registry.counter(
            "sallyport_token_lookups_total", help: "Tokens looked up among those verified before, by whether they were there.",
            labels: ["result"])
    }
}
