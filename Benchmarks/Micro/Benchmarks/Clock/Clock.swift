import Benchmark
import Cases
import Glibc

// As BenchmarkPlugin writes it. Without the plugin, what counts instructions needs nothing of that package to be built.
@main
struct Clock: BenchmarkRunnerHooks {
    /// Nanoseconds of one run, on the clock and on all processors together. The package's own processor time is in ticks of 10 ms.
    private static let (wall, processor) = (BenchmarkMetric.custom("wall"), BenchmarkMetric.custom("processor"))

    /// Half a second each; journals are in the folder that `SALLYPORT_MICRO_FOLDER` names.
    static func registerBenchmarks() {
        let folder = getenv("SALLYPORT_MICRO_FOLDER").map { String(cString: $0) } ?? "/tmp"
        let configuration = Benchmark.Configuration(
            metrics: [wall, processor], warmupIterations: 5, maxDuration: .milliseconds(500), maxIterations: 1_000_000)
        for one in Case.all { add(one, configuration, folder) }
    }

    private static func add(_ one: Case, _ configuration: Benchmark.Configuration, _ folder: String) {
        // Some hundred microseconds, so that reading the clocks counts for little.
        let runs = max(1, one.counted / 10)
        switch one.kind {
        case .plain(let prepare):
            let prepared = Result { try prepare() }
            Benchmark(one.name, configuration: configuration) { benchmark in
                let run = try prepared.get()
                let begun = Times()
                for _ in 0..<runs { try run() }
                Times().report(since: begun, runs, to: benchmark)
            }
        case .waiting(let prepare):
            // In the first run, which is not measured: no case has files while another one runs.
            let prepared = Lazy { try await prepare(folder) }
            Benchmark(one.name, configuration: configuration) { benchmark in
                let run = try await prepared.value()
                let begun = Times()
                for _ in 0..<runs { try await run() }
                Times().report(since: begun, runs, to: benchmark)
            }
        }
    }

    /// What the clocks say, in nanoseconds.
    private struct Times {
        let wall = Self.read(CLOCK_MONOTONIC)
        let processor = Self.read(CLOCK_PROCESS_CPUTIME_ID)

        func report(since begun: Times, _ runs: Int, to benchmark: Benchmark) {
            benchmark.measurement(Clock.wall, (wall - begun.wall) / runs)
            benchmark.measurement(Clock.processor, (processor - begun.processor) / runs)
        }

        private static func read(_ clock: clockid_t) -> Int {
            var time = timespec()
            clock_gettime(clock, &time)
            return time.tv_sec * 1_000_000_000 + time.tv_nsec
        }
    }
}

/// What is made when it is first asked for.
private actor Lazy {
    private let make: @Sendable () async throws -> @Sendable () async throws -> Void
    private var made: (@Sendable () async throws -> Void)?

    init(_ make: @escaping @Sendable () async throws -> @Sendable () async throws -> Void) { self.make = make }

    func value() async throws -> @Sendable () async throws -> Void {
        if let made { return made }
        let new = try await make()
        made = new
        return new
    }
}
