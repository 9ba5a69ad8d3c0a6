import Foundation
import HookdeckStandIn
import JSON
import NIOHTTP1
import ProtocolMessages
import TestSupport
import Testing

@testable import Ingress

/// What the ingress answers, what the docs say of it, and what Hookdeck's retry rule covers are one thing.
@Suite struct RetryAgreementTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardizedFileURL

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Every status whose name stands in the ingress's sources, informational ones aside.
    private static func emitted() throws -> Set<Int> {
        var codes: [String: Int] = [:]
        for code in 200..<600 {
            let words = HTTPResponseStatus(statusCode: code).reasonPhrase.split(whereSeparator: { " -".contains($0) })
            guard let first = words.first else { continue }
            codes[words.dropFirst().reduce(first.lowercased()) { $0 + $1.prefix(1).uppercased() + $1.dropFirst() }] = code
        }
        let folder = root.appending(path: "Sources/Ingress")
        let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        var found: Set<Int> = []
        for file in files where file.hasSuffix(".swift") {
            for match in try text("Sources/Ingress/\(file)").matches(of: /\.([a-z][A-Za-z]+)\b/) {
                if let code = codes[String(match.output.1)] { found.insert(code) }
            }
        }
        return found
    }

    /// Rows of the table in docs/hookdeck.md: the status, nil for none, and whether it is retried, nil for a success.
    private static func documented() throws -> [(status: Int?, isRetried: Bool?)] {
        try text("docs/hookdeck.md").matches(of: /(?m)^\| (\d{3}|none) \|.*\| (yes|no|–) \|[^|]*\|$/).map {
            (Int($0.output.1), ["yes": true, "no": false][$0.output.2])
        }
    }

    @Test func `the table has every status that the ingress answers, and no other`() throws {
        let emitted = try Self.emitted()
        #expect(emitted.isSuperset(of: [200, 401, 429, 503]))
        #expect(Set(try Self.documented().compactMap(\.status)) == emitted)
        #expect(try Self.documented().contains { $0.status == nil })
    }

    @Test func `the rule in deploy covers exactly what the table calls retried`() throws {
        let rule = try DeployedFiles.retry()
        for row in try Self.documented() {
            let name = row.status.map { "\($0)" } ?? "no answer"
            #expect(rule.covers(row.status) == (row.isRetried ?? false), "\(name)")
            #expect((row.isRetried == nil) == (row.status.map { $0 < 300 } ?? false), "\(name)")
        }
    }

    @Test func `every end of a job is in the table, and a refusal that needs a person is not retried`() throws {
        let rows = try Self.documented()
        for status in WireJobStatus.allCases {
            for reason in WireReason.allCases {
                let code = Int(JobAnswer.answer(.with { ($0.status, $0.reason) = (status, reason) }).status.code)
                let row = try #require(rows.first { $0.status == code }, "\(status) \(reason)")
                if status == .refused, [.policy, .parameter, .token, .replay].contains(reason) {
                    #expect(row.isRetried == false)
                }
            }
        }
    }

    @Test func `what carries Retry-After is retried by the rule too`() throws {
        let rule = try DeployedFiles.retry()
        for reason in [WireReason.busy, .journal, .expired] {
            let answer = JobAnswer.answer(.with { ($0.status, $0.reason) = (.refused, reason) })
            #expect(answer.header("Retry-After") != nil && rule.covers(Int(answer.status.code)))
        }
        for met in [LimitMet.rate(nanoseconds: 1), .concurrency, .waiting] { #expect(rule.covers(Int(met.answer.status.code))) }
        #expect(rule.covers(Int(JobAnswer.inFlight(jobID: "id").status.code)))
    }

    @Test func `the README's answers are in the table`() throws {
        let table = Set(try Self.documented().compactMap(\.status))
        let lines = try Self.text("README.md").components(separatedBy: "\n")
        let start = try #require(lines.firstIndex { $0.hasPrefix("| what a hook answers") })
        let said = Set(
            lines[(start + 2)...].prefix { $0.hasPrefix("|") }.flatMap { line in
                line.matches(of: /\b[2-5]\d\d\b/).compactMap { Int($0.output) }
            })
        #expect(said.count > 10)
        #expect(said.isSubset(of: table), "\(said.subtracting(table))")
    }

    @Test func `Terraform and the API script take the rule from the same file`() throws {
        let terraform = try Self.text("deploy/hookdeck/main.tf")
        #expect(terraform.contains(#"jsondecode(file("${path.module}/retry.json"))"#))
        for name in ["strategy", "interval", "count", "response_status_codes"] {
            #expect(terraform.contains(try Regex("\(name) += local\\.retry\\.\(name)")), "\(name)")
        }
        let printed = try Command.run(
            DeployedFiles.folder.appending(path: "setup").path, ["--print", "https://hooks.example.com/hooks/github"])
        #expect(printed.code == 0, "\(printed.errors)")
        let sent = try JSONValue.parse(Array(printed.output.utf8)).array?.compactMap { $0["body"]?["rules"]?.array }.first
        #expect(try sent?.last == DeployedFiles.json("retry.json"))
        #expect(try sent?.first == DeployedFiles.json("filter.json"))
    }
}
