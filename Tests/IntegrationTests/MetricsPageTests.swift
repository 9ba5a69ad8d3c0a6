import Foundation
import TestSupport
import Testing

/// docs/metrics.md against what the real processes export.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct MetricsPageTests {
    private struct Metric: Hashable, CustomStringConvertible {
        let name: String
        let type: String
        let labels: Set<String>

        var description: String { "\(type) \(name){\(labels.sorted().joined(separator: ","))}" }
    }

    /// The rows of the table under a heading.
    private static func documented(_ heading: String) throws -> [Metric] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/metrics.md"), encoding: .utf8)
        let section = page.components(separatedBy: "\n## ").first { $0.hasPrefix(heading + "\n") }
        return try #require(section).split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let labels = cells[2].split(separator: ",").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " `")) }
            return Metric(
                name: cells[0].trimmingCharacters(in: CharacterSet(charactersIn: "`")), type: cells[1], labels: Set(labels))
        }
    }

    /// Name and type of each family; the labels of those that have samples.
    private static func exported(_ text: String) -> (families: [String: String], labels: [String: Set<String>]) {
        var (families, labels): ([String: String], [String: Set<String>]) = ([:], [:])
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") {
                let words = line.split(separator: " ")
                families[String(words[2])] = String(words[3])
            } else if !line.hasPrefix("#") {
                let name = String(line.prefix { $0 != "{" && $0 != " " })
                let family = ["_bucket", "_sum", "_count"].compactMap { ending -> String? in
                    name.hasSuffix(ending) ? String(name.dropLast(ending.count)) : nil
                }.first { families[$0] == "histogram" }
                let pairs = line.dropFirst(name.count).matches(of: #/([a-zA-Z_]\w*)="/#).map { String($0.1) }
                labels[family ?? name, default: []].formUnion(Set(pairs).subtracting(["le"]))
            }
        }
        return (families, labels)
    }

    private func compare(_ text: String, with heading: String) throws {
        let page = try Self.documented(heading)
        let (families, labels) = Self.exported(text)
        #expect(Set(page.map(\.name)) == Set(families.keys), "\(heading)")
        #expect(page.map(\.name) == page.map(\.name).sorted(), "\(heading): the table is sorted")
        for metric in page {
            #expect(families[metric.name] == metric.type, "\(metric)")
            guard let labels = labels[metric.name] else { continue }
            #expect(labels == metric.labels, "\(metric)")
        }
        // Without deliveries there would be nothing to compare.
        #expect(labels.values.count { !$0.isEmpty } >= 5, "\(labels)")
    }

    @Test func `every metric is on the page with its type and labels, and every metric of the page exists`() throws {
        let bed = try TestBed.spooling(jobs: ListeningBed.jobs, hooks: ListeningBed.hooks, spool: "")
        let certificates = try Certificates(bed.box.appending(path: "tls"))
        try bed.change(
            bed.listenLine,
            to:
                "listen: { address: 127.0.0.1, port: \(bed.httpPort), tls: { certificate: tls/server.pem, private-key: { file: tls/server.key } } }"
        )
        try bed.start()
        for (hook, status) in [("quick", "200"), ("github", "401"), ("nothing", "404")] {
            let answer = try bed.post(
                "https://localhost:\(bed.httpPort)/hooks/\(hook)", "--http1.1", "--cacert", certificates.path("ca.pem"))
            #expect(answer.output == "1.1 \(status)")
        }
        try compare(
            try Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(bed.operationsPort)/metrics"]).output,
            with: "Of the ingress")
        try compare(try bed.command(["metrics"]).output, with: "Of the executor")
    }
}
