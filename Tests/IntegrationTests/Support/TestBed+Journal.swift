import Foundation
import TestSupport

extension TestBed {
    /// Jobs that have not ended; nil while no executor answers.
    func unfinished() throws -> Int? {
        var count = 0
        for status in ["accepted", "running"] {
            let listed = try command(["jobs", "list", "--json", "--status", status, "--limit", "1000"])
            guard listed.code == 0 else { return nil }
            count += listed.output.split(separator: "\n").count
        }
        return count
    }

    /// Every job of the journal, by event.
    func allJobs() throws -> [String: [[String: Any]]] {
        var jobs: [String: [String: Any]] = [:]
        var until: [String] = []
        while true {
            let page = try self.jobs(["--limit", "1000"] + until)
            let before = jobs.count
            for job in page { jobs[job["job"] as? String ?? ""] = job }
            guard jobs.count > before, let oldest = page.last?["acceptedAtMs"] as? Int else { break }
            // Before the next second: those of this one come again.
            until = ["--until", ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: Double(oldest / 1000 + 1)))]
        }
        return Dictionary(grouping: jobs.values) { $0["event"] as? String ?? "" }
    }
}
