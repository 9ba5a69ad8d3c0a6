import Foundation
import TestSupport
import Testing

/// `self-attack` of the real binaries, from settings that `sallyport init` writes.
@Suite struct SelfAttackTests {
    private let folder: TemporaryFolder
    private let box: String

    init() throws {
        folder = try TemporaryFolder()
        box = "\(folder.path)/box"
        let made = try Command.run(try TestBed.binary("sallyport"), ["init", box])
        try #require(made.code == 0, "\(made.errors)")
    }

    private func attack(_ half: String, _ more: [String] = []) throws -> Command {
        try Command.run(
            try TestBed.binary("sallyport-\(half)"), ["self-attack", "--config", "\(box)/\(half).yaml"] + more)
    }

    /// Attacks, those that failed, and those that the seal alone stopped, of each table.
    private func sums(_ output: String) throws -> [(attacks: Int, failed: Int, proved: Int)] {
        try output.split(separator: "\n").compactMap { line in
            let sum = /: (\d+) attacks, (\d+) failed as they must, (\d+) of those succeed/
            guard let match = try sum.firstMatch(in: line) else { return nil }
            return (try #require(Int(match.1)), try #require(Int(match.2)), try #require(Int(match.3)))
        }
    }

    @Test func `nothing that the ingress must not do works, and most of it works without the seal`() throws {
        let attacked = try attack("ingress", ["--secret", "\(box)/secrets/deploy.key"])
        #expect(attacked.code == 0, "\(attacked.output) \(attacked.errors)")
        let sum = try #require(try sums(attacked.output).first)
        #expect(sum.attacks > 110 && sum.failed == sum.attacks && sum.proved > 70, "\(sum)")
        #expect(attacked.output.contains("open \(box)/secrets/deploy.key"))
    }

    @Test func `an ingress with a spool does no more`() throws {
        let settings = URL(filePath: "\(box)/ingress.yaml")
        let spool = "spool: { directory: \(box)/spool }\n"
        try FileManager.default.createDirectory(atPath: "\(box)/spool", withIntermediateDirectories: true)
        try (String(contentsOf: settings, encoding: .utf8) + spool).write(to: settings, atomically: true, encoding: .utf8)
        let attacked = try attack("ingress")
        #expect(attacked.code == 0, "\(attacked.output) \(attacked.errors)")
        #expect(attacked.output.contains("self-attack on ingress with a spool"))
    }

    @Test func `neither the executor nor its workers do what they must not`() throws {
        let attacked = try attack("executor")
        #expect(attacked.code == 0, "\(attacked.output) \(attacked.errors)")
        let all = try sums(attacked.output)
        #expect(all.count == 2, "the executor and an SSH worker")
        for sum in all { #expect(sum.attacks > 110 && sum.failed == sum.attacks && sum.proved > 70, "\(sum)") }
        #expect(attacked.output.contains("open \(box)/secrets/deploy.key"))
    }

    @Test func `the exporter of metrics does not what it must not, and prints what it may`() throws {
        let program = try TestBed.binary("sallyport")
        let attacked = try Command.run(program, ["metrics", "--self-attack", "--secret", "\(box)/secrets/deploy.key"])
        #expect(attacked.code == 0, "\(attacked.output) \(attacked.errors)")
        let sum = try #require(try sums(attacked.output).first)
        #expect(sum.attacks > 110 && sum.failed == sum.attacks && sum.proved > 70, "\(sum)")
        #expect(attacked.output.contains("open \(box)/secrets/deploy.key"))
        let printed = try Command.run(program, ["metrics", "--print-sandbox"])
        #expect(printed.code == 0 && printed.output.contains("metrics-exporter"), "\(printed.output) \(printed.errors)")
    }

    @Test func `a secret that the executor can still open is found, and makes the exit code 1`() throws {
        let secret = try "not for you".write("\(box)/state/secret")
        let attacked = try attack("executor", ["--secret", secret])
        #expect(attacked.code == 1)
        #expect(
            attacked.output.split(separator: "\n").contains { $0.hasPrefix("FAILED  open \(secret) ") && $0.contains("works") })
        #expect(!attacked.output.contains("not for you"))
    }
}

extension String {
    /// Writes this to a file and gives back its path.
    fileprivate func write(_ path: String) throws -> String {
        try write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }
}
