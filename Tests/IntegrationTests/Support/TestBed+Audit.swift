import Foundation
import TestSupport

extension TestBed {
    /// A bed whose executor signs a checkpoint of each record.
    static func audited(jobs: String = "", hooks: String = "", segmentSize: String = "64MiB") throws -> TestBed {
        let bed = try TestBed(jobs: jobs, hooks: hooks, start: false)
        try bed.append("audit: { checkpoint-every: 1, segment-size: \(segmentSize) }\n", to: "executor.yaml")
        try bed.start()
        return bed
    }

    var auditFolder: String { box.appending(path: "state/audit").path }

    /// The executor's public key, as the ingress's settings have it.
    var executorKey: String {
        get throws {
            let text = try String(contentsOf: box.appending(path: "ingress.yaml"), encoding: .utf8)
            guard let range = text.firstRange(of: /ed25519:[A-Za-z0-9+\/=]{44}/) else { throw TestBedError("no key in \(text)") }
            return String(text[range])
        }
    }

    /// `sallyport audit …` with the executor's key, on the log of this bed unless another folder is given.
    func audit(_ command: String, _ arguments: [String] = [], log: String? = nil) throws -> Command {
        let place = command == "check-proof" ? [] : ["--log", log ?? auditFolder]
        return try Command.run(try Self.binary("sallyport"), ["audit", command, "--key", try executorKey] + place + arguments)
    }

    /// `sallyport audit verify` of several folders, each bed's own unless others are given, with the keys of all beds.
    static func auditTogether(_ beds: [TestBed], _ arguments: [String] = [], folders: [String]? = nil) throws -> Command {
        let keys = try beds.flatMap { ["--key", try $0.executorKey] }
        return try Command.run(
            try binary("sallyport"), ["audit", "verify"] + keys + arguments + (folders ?? beds.map(\.auditFolder)))
    }

    /// What the beds' logs come to together, once no job is without an end in them; else what they came to at last.
    static func joined(_ beds: [TestBed]) throws -> (takeovers: Int, gaps: [String], open: Int) {
        var found = (takeovers: -1, gaps: ["nothing was found out"], open: -1)
        _ = try eventually(within: 30) {
            let told = try auditTogether(beds, ["--json"])
            guard let object = try? JSONSerialization.jsonObject(with: Data(told.output.utf8)) as? [String: Any] else {
                found.gaps = [told.errors]
                return false
            }
            let gaps = object["gaps"] as? [[String: String]] ?? []
            found = (
                object["takeovers"] as? Int ?? -1, gaps.map { "\($0["kind"] ?? "") \($0["job"] ?? "") \($0["text"] ?? "")" },
                (object["open"] as? [[String: Any]] ?? []).reduce(0) { $0 + ($1["jobs"] as? Int ?? 0) }
            )
            // The exit code says the same.
            return (told.code == 0) == gaps.isEmpty && told.code == 0 && found.open == 0
        }
        return found
    }

    /// A checkpoint comes to cover the job's result.
    func hasResult(of job: String) throws -> Bool {
        try eventually { try audit("show", ["--json", job]).output.contains(#""kind":"result""#) }
    }

    /// The records of a job, once a checkpoint covers `count` of them.
    func records(of job: String, count: Int) throws -> [[String: Any]] {
        var lines: [Substring] = []
        _ = try eventually {
            lines = try audit("show", ["--json", job]).output.split(separator: "\n")
            return lines.count >= count
        }
        return try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:] }
    }
}
