import Foundation
import TestSupport

/// What the tests of listeners, limits, reload and stop have in common.
enum ListeningBed {
    static let jobs = """
          quick:
            command: [echo, quick]
            destinations: [web-1]
            timeout: 10s
          pause:
            command: [sh, -c, "sleep 1.5; echo done"]
            destinations: [web-1]
            timeout: 10s

        """

    static let hooks = DeliveryTests.hook("quick") + DeliveryTests.hook("pause")

    /// A bed whose settings of the ingress are changed before the start.
    static func make(hooks more: String = "", start: Bool = true, _ change: (TestBed) throws -> Void = { _ in }) throws -> TestBed
    {
        let bed = try TestBed(jobs: jobs, hooks: hooks + more, start: false)
        try change(bed)
        if start { try bed.start() }
        return bed
    }
}

extension TestBed {
    var ingressSettings: URL { box.appending(path: "ingress.yaml") }

    /// Replaces text in the ingress's settings, as an editor does: by a new file of the same name.
    func change(_ old: String, to new: String) throws {
        let text = try String(contentsOf: ingressSettings, encoding: .utf8)
        guard text.contains(old) else { throw TestBedError("the settings have no \(old)") }
        try text.replacingOccurrences(of: old, with: new).write(to: ingressSettings, atomically: true, encoding: .utf8)
    }

    /// As `init` writes it.
    var listenLine: String { "listen: { address: 127.0.0.1, port: \(httpPort) }" }

    /// Runs curl; `-s -i` are given.
    func curl(_ arguments: String...) throws -> Command {
        try Command.run("/usr/bin/curl", ["-s", "-i", "--max-time", "20"] + arguments)
    }

    /// Delivers to a hook without verification, by other means than TCP in the clear.
    func post(_ url: String, _ more: String...) throws -> Command {
        try Command.run(
            "/usr/bin/curl",
            ["-s", "--max-time", "20", "--data", "{}", "-o", "/dev/null", "-w", "%{http_version} %{http_code}"] + more + [url])
    }

    /// A metric's value; nil when it is not there.
    func metric(_ name: String) throws -> Double? {
        let text = try Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(operationsPort)/metrics"]).output
        return text.split(separator: "\n").first { $0.hasPrefix(name + " ") }.flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    /// Sends SIGHUP and waits until the ingress has dealt with it.
    func reload(_ outcome: String) throws -> Bool {
        let name = "sallyport_settings_reloads_total{outcome=\"\(outcome)\"}"
        let before = try metric(name) ?? 0
        kill(ingress.pid, SIGHUP)
        return try eventually { try (metric(name) ?? 0) > before }
    }
}
