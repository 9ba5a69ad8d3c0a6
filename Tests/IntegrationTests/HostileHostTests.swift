import Foundation
import Glibc
import HostileHost
import TestSupport
import Testing

/// Hostile hosts behind the real ingress and executor, all on one worker with a host that is as it should be.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct HostileHostTests {
    /// Asked for a command, each does something of its own.
    private static let misbehaviours: [Misbehaviour] =
        Misbehaviour.withoutProof + Misbehaviour.withoutEnd
        + Misbehaviour.beforeLogin.filter { "\($0)".hasPrefix("endless") } + Misbehaviour.withoutShell
        + [.silent, Misbehaviour.withoutShellForLong[0]]

    private let hosts: [HostileHost]
    private let bed: TestBed

    init() throws {
        hosts = try Self.misbehaviours.map { try HostileHost($0) }
        var jobs = "  healthy: { command: [echo, well], destinations: [web-1], timeout: 10s }\n"
        var hooks = DeliveryTests.hook("healthy")
        for index in hosts.indices {
            jobs += "  evil-\(index): { command: [\"true\"], destinations: [evil-\(index)], timeout: 2s, grace: 200ms }\n"
            hooks += DeliveryTests.hook("evil-\(index)", "wait: 50s")
        }
        bed = try TestBed(jobs: jobs, hooks: hooks, start: false)
        try bed.append("workers: { count: 1 }\n", to: "executor.yaml")
        try bed.add(hosts: hosts.enumerated().map { BedHost("evil-\($0)", $1) }, connectTimeout: "6s")
        try bed.start()
    }

    @Test func `none is a success, what may have run is unknown or timed out and ran once, and a good host is served meanwhile`()
        throws
    {
        let bed = bed
        #expect(try bed.deliver("{}", hook: "healthy", signature: nil, token: nil).status == 200)
        let before = bed.innerProcesses
        let answers = hosts.indices.map { index in
            Background { try bed.deliver("{}", hook: "evil-\(index)", signature: nil, token: nil) }
        }
        var times: [Double] = []
        let end = Date().addingTimeInterval(30)
        while Date() < end {
            let begun = Date()
            let answer = try bed.deliver("{}", hook: "healthy", signature: nil, token: nil)
            #expect(answer.status == 200, "\(answer.text)")
            times.append(-begun.timeIntervalSinceNow * 1000)
        }
        let healthy = Latencies(times)
        let after = bed.innerProcesses
        for (index, answer) in answers.enumerated() {
            let (answer, host) = (try answer.value, hosts[index])
            let status = answer["status"] ?? ""
            Figures.print("HOSTILE JOB|\(Self.misbehaviours[index])|\(answer.status) \(status)|\(answer["error"] ?? "")")
            #expect(answer.status >= 400, "\(Self.misbehaviours[index]): \(answer.text)")
            #expect(["unknown", "timed-out", "failed", "dead"].contains(status), "\(Self.misbehaviours[index]): \(answer.text)")
            #expect(host.commands <= 1, "\(Self.misbehaviours[index])")
            if host.commands > 0 {
                #expect(["unknown", "timed-out"].contains(status), "\(Self.misbehaviours[index]): \(answer.text)")
            }
        }
        let memory = (after.executor.map(ProcessFigures.peakMemory) ?? 0, after.workers.map(ProcessFigures.peakMemory))
        Figures.print(
            "HOSTILE SUM|\(hosts.count) hosts|healthy: \(healthy.text)|VmHWM executor \(memory.0), worker \(memory.1) MiB")
        #expect(healthy.count >= 10)
        #expect(healthy.maximum < 10_000)
        #expect(after.executor == before.executor && after.executor != nil)
        #expect(after.workers == before.workers, "no worker had to be started anew: \(bed.executor.text.suffix(2000))")
        #expect(memory.0 < 256 && memory.1.allSatisfy { $0 < 1024 })
        #expect(try bed.deliver("{}", hook: "healthy", signature: nil, token: nil).status == 200)
    }
}

/// Figures of a run, for whoever asks for them by SALLYPORT_FIGURES.
enum Figures {
    static func print(_ line: String) {
        guard ProcessInfo.processInfo.environment["SALLYPORT_FIGURES"] != nil else { return }
        Swift.print(line)
    }
}
