import Telemetry
import Testing

@Suite struct MetricsTests {
    @Test func `the text is as Prometheus reads it, sorted`() throws {
        let registry = MetricsRegistry()
        let jobs = try registry.counter("s_jobs_total", help: "Jobs that\nended, by \\ and \"q\".", labels: ["hook", "outcome"])
        jobs.with("web", "succeeded").increment(by: 3)
        jobs.with("a\"b\\c\nd", "failed").increment()
        _ = try registry.counter("s_idle_total", help: "Nothing yet.")
        try registry.gauge("s_open", help: "Open.") { 2.5 }
        try registry.gauges("s_build_info", help: "Build.", labels: ["version"]) { [(["0.1.0"], 1)] }
        let seconds = try registry.histogram("s_wait_seconds", help: "Waits.", bounds: [0.1, 1])
        for value in [0.05, 0.1, 0.5, 7] { seconds.observe(value) }
        #expect(
            registry.text() == """
                # HELP s_build_info Build.
                # TYPE s_build_info gauge
                s_build_info{version="0.1.0"} 1
                # HELP s_idle_total Nothing yet.
                # TYPE s_idle_total counter
                s_idle_total 0
                # HELP s_jobs_total Jobs that\\nended, by \\\\ and "q".
                # TYPE s_jobs_total counter
                s_jobs_total{hook="a\\"b\\\\c\\nd",outcome="failed"} 1
                s_jobs_total{hook="web",outcome="succeeded"} 3
                # HELP s_open Open.
                # TYPE s_open gauge
                s_open 2.5
                # HELP s_wait_seconds Waits.
                # TYPE s_wait_seconds histogram
                s_wait_seconds_bucket{le="0.1"} 2
                s_wait_seconds_bucket{le="1"} 3
                s_wait_seconds_bucket{le="+Inf"} 4
                s_wait_seconds_sum 7.65
                s_wait_seconds_count 4

                """)
    }

    @Test func `OpenMetrics names counters by family, escapes quotes, writes bounds as floats and says where it ends`() throws {
        let registry = MetricsRegistry()
        try registry.counter("s_jobs_total", help: "Jobs, by \"q\".", labels: ["hook"]).with("web").increment(by: 3)
        try registry.observedCounter("s_ended_total", help: "Ended.") { 7 }
        try registry.gauge("s_open", help: "Open.") { 2 }
        try registry.histogram("s_wait_seconds", help: "Waits.", bounds: [0.1, 1]).observe(0.5)
        #expect(
            registry.text(.openMetrics) == """
                # HELP s_ended Ended.
                # TYPE s_ended counter
                s_ended_total 7
                # HELP s_jobs Jobs, by \\"q\\".
                # TYPE s_jobs counter
                s_jobs_total{hook="web"} 3
                # HELP s_open Open.
                # TYPE s_open gauge
                s_open 2
                # HELP s_wait_seconds Waits.
                # TYPE s_wait_seconds histogram
                s_wait_seconds_bucket{le="0.1"} 0
                s_wait_seconds_bucket{le="1.0"} 1
                s_wait_seconds_bucket{le="+Inf"} 1
                s_wait_seconds_sum 0.5
                s_wait_seconds_count 1
                # EOF

                """)
        #expect(MetricsFormat(of: registry.text(.openMetrics)) == .openMetrics)
        #expect(MetricsFormat(of: registry.text()) == .text)
    }

    @Test(
        arguments: [
            ([], .text), (["*/*"], .text), (["text/plain"], .text), (["application/openmetrics-text"], .openMetrics),
            // Prometheus 2.42, and 3.
            (
                [
                    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
                ], .openMetrics
            ),
            (
                [
                    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.2"
                ], .openMetrics
            ),
            (["text/plain;q=0.9", "Application/OpenMetrics-Text ; version=1.0.0 ; q=0.8"], .text),
            (["application/openmetrics-text;version=0.0.1"], .text), (["application/openmetrics-text;q=0"], .text),
            (["application/openmetrics-text;q=none"], .text), (["application/openmetrics-text-not"], .text), ([",;,"], .text),
        ] as [([String], MetricsFormat)])
    func `OpenMetrics is for whom asks for it by name, and prefers it`(accept: [String], format: MetricsFormat) {
        #expect(MetricsFormat(accept: accept) == format)
    }

    @Test func `histograms may have labels`() throws {
        let registry = MetricsRegistry()
        try registry.histograms("s_run_seconds", help: "Runs.", labels: ["host"], bounds: [1]).with("web-1").observe(.infinity)
        let lines = registry.text().split(separator: "\n").dropFirst(2)
        #expect(
            Array(lines) == [
                "s_run_seconds_bucket{host=\"web-1\",le=\"1\"} 0", "s_run_seconds_bucket{host=\"web-1\",le=\"+Inf\"} 1",
                "s_run_seconds_sum{host=\"web-1\"} +Inf", "s_run_seconds_count{host=\"web-1\"} 1",
            ])
    }

    @Test(arguments: ["", "1_total", "a-b_total", "a.b_total", "é_total", "a b_total", "a:b_total", "jobs"])
    func `a counter's name is not rewritten but refused`(name: String) {
        #expect(throws: MetricsError.self) { try MetricsRegistry().counter(name, help: "") }
    }

    @Test(arguments: [["__name"], ["1a"], ["a-b"], [""], ["a", "a"], ["job"], ["a", "instance"]])
    func `labels are not rewritten but refused`(labels: [String]) {
        #expect(throws: MetricsError.self) { try MetricsRegistry().counter("a_total", help: "", labels: labels) }
        #expect(throws: MetricsError.self) { try MetricsRegistry().gauges("a", help: "", labels: labels) { [] } }
        #expect(throws: MetricsError.self) { try MetricsRegistry().histograms("a_seconds", help: "", labels: labels) }
    }

    @Test(arguments: [[], [1, 1], [2, 1], [1, .infinity], [.nan]] as [[Double]])
    func `bounds that do not rise are refused`(bounds: [Double]) {
        #expect(throws: MetricsError.self) { try MetricsRegistry().histogram("a_seconds", help: "", bounds: bounds) }
    }

    @Test func `a name is given once, with what a histogram shows under it`() throws {
        let registry = MetricsRegistry()
        _ = try registry.counter("a_total", help: "")
        #expect(throws: MetricsError.self) { try registry.counter("a_total", help: "") }
        _ = try registry.histogram("b_seconds", help: "")
        #expect(throws: MetricsError.self) { try registry.gauge("b_seconds", help: "") { 0 } }
        #expect(throws: MetricsError.self) { try registry.gauge("b_seconds_count", help: "") { 0 } }
        #expect(throws: MetricsError.self) { try registry.histograms("c_seconds", help: "", labels: ["le"]) }
        // The counter's family, in OpenMetrics.
        #expect(throws: MetricsError.self) { try registry.gauge("a", help: "") { 0 } }
        #expect(throws: MetricsError.self) { try registry.observedCounter("d", help: "") { 0 } }
    }

    @Test func `too many label values count under other`() throws {
        let registry = MetricsRegistry()
        let family = try registry.counter("a_total", help: "", labels: ["who"])
        for index in 0..<CounterFamily.maximumCombinations { family.with("\(index)").increment() }
        family.with("one more").increment()
        family.with("and another").increment()
        #expect(family.with("other").value == 2)
        #expect(family.with("0").value == 1)
        #expect(registry.text().split(separator: "\n").count == 2 + CounterFamily.maximumCombinations + 1)
    }

    @Test func `a counter never shrinks and loses nothing under concurrent use`() async throws {
        let counter = try MetricsRegistry().counter("a_total", help: "").with()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<1000 { counter.increment() } } }
        }
        counter.increment(by: -5)
        #expect(counter.value == 8000)
    }
}
