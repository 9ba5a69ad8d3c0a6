import Foundation
import Glibc
import TestSupport
import Testing

/// What the executor did stands in its audit log, can be proved to others, and cannot be changed without that being found.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct AuditLogTests {
    private let bed: TestBed

    init() throws { bed = try TestBed.audited() }

    private func kinds(_ records: [[String: Any]]) -> [String] { records.compactMap { $0["kind"] as? String } }

    /// A push of a commit of its own.
    private static func push() -> String {
        let commit = (0..<40).map { _ in "0123456789abcdef".randomElement() ?? "0" }
        return #"{"ref":"refs/heads/main","after":"\#(String(commit))","repository":{"full_name":"octo-org/octo-repo"}}"#
    }

    /// A delivery that ran; its job.
    private func run(_ body: String = push(), event: String? = nil) throws -> String {
        let answer = try bed.deliver(body, event: event)
        #expect(answer.status == 200, "\(answer.text)")
        return try #require(answer["job"])
    }

    /// A copy of the log that may be spoiled.
    private func copy() throws -> String {
        let path = bed.folder.appending(path: "copy-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.copyItem(atPath: bed.auditFolder, toPath: path)
        return path
    }

    private func segment(_ folder: String) throws -> URL {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".audit") }
        return URL(filePath: folder).appending(path: try #require(names.first))
    }

    @Test func `a job leaves its whole story, and no token, parameter or output`() throws {
        let push = Self.push()
        let job = try run(push)
        let records = try bed.records(of: job, count: 7)
        #expect(
            kinds(records) == ["delivery", "token", "decision", "attempt-started", "signature", "attempt-ended", "result"])
        let (delivery, token, decision) = (records[0], records[1], records[2])
        #expect(delivery["hook"] as? String == "github")
        #expect(delivery["ingress"] as? String == "edge")
        #expect(delivery["key"] as? String == "ingress")
        let body = try Command.run("/usr/bin/sha256sum", ["-"], input: Data(push.utf8)).output.prefix(64)
        #expect(delivery["body"] as? String == String(body))
        #expect(token["issuer"] as? String == "sallyport-init")
        #expect(token["subject"] as? String == "deployer")
        #expect(decision["decision"] as? String == "accepted")
        #expect(decision["hosts"] as? String == "web-1")
        #expect(records[4]["identity"] as? String == "deploy")
        #expect((records[4]["key"] as? String)?.hasPrefix("SHA256:") == true)
        #expect((records[4]["session"] as? String)?.count == 64)
        #expect(records[5]["exit"] as? Int == 0)
        #expect(records[6]["state"] as? String == "succeeded")
        // The next one uses the connection that is there: no signature.
        let second = try bed.records(of: run(), count: 6)
        #expect(kinds(second) == ["delivery", "token", "decision", "attempt-started", "attempt-ended", "result"])
        let text = try String(contentsOf: segment(bed.auditFolder), encoding: .utf8)
        let signature = try #require(bed.token.split(separator: ".").last)
        for secret in [String(signature), "octo-org", "deploying", "refs/heads/main"] {
            #expect(!text.contains(secret), "\(secret)")
        }
    }

    @Test func `what is refused, sent twice or asked by an operator stands there too`() throws {
        let bad = try bed.deliver(#"{"ref":"refs/heads/main","after":"; reboot","repository":{"full_name":"a/b"}}"#)
        #expect(bad.status == 422)
        let refused = try bed.records(of: try #require(bad["job"]), count: 2)
        #expect(refused.last?["decision"] as? String == "refused")
        #expect(refused.last?["reason"] as? String == "parameter")
        let (push, event) = (Self.push(), "evt_twice")
        let job = try run(push, event: event)
        #expect(try bed.deliver(push, event: event).isDuplicate)
        #expect(try eventually { try kinds(bed.records(of: event, count: 9)).count == 9 })
        let duplicate = try bed.records(of: event, count: 9).last
        #expect(duplicate?["decision"] as? String == "duplicate")
        #expect(duplicate?["original"] as? String == job)
        _ = try bed.jobs()
        let operation = #""kind":"operator","uid":\#(getuid()),"action":"list-jobs""#
        #expect(try eventually { try String(contentsOf: segment(bed.auditFolder), encoding: .utf8).contains(operation) })
    }

    @Test func `a job's proof stands alone, and proves nothing once it was changed`() throws {
        _ = try run()
        #expect(try eventually { try bed.audit("checkpoint").code == 0 })
        let old = bed.folder.appending(path: "old.checkpoint")
        try bed.audit("checkpoint").output.write(to: old, atomically: true, encoding: .utf8)
        let job = try run()
        #expect(try bed.records(of: job, count: 6).count == 6)
        let file = bed.folder.appending(path: "proof").path
        #expect(
            try eventually {
                try? FileManager.default.removeItem(atPath: file)
                guard try bed.audit("prove", [job, "--since", old.path, "--output", file]).code == 0 else { return false }
                return try bed.audit("check-proof", [file]).output.split(separator: "\n").count == 6
            })
        let checked = try bed.audit("check-proof", [file])
        #expect(checked.code == 0)
        #expect(checked.output.contains("state=succeeded"))
        #expect(checked.errors.contains("which begins with the"))
        let other = bed.folder.appending(path: "other.key").path
        let key = try Command.run(try TestBed.binary("sallyport"), ["keygen", other]).output.trimmingCharacters(in: .newlines)
        #expect(try Command.run(try TestBed.binary("sallyport"), ["audit", "check-proof", "--key", key, file]).code == 1)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try text.replacing("succeeded", with: "failed___").write(toFile: file, atomically: true, encoding: .utf8)
        let forged = try bed.audit("check-proof", [file])
        #expect(forged.code == 1)
        #expect(forged.errors.contains("is not in the log"))
        #expect(try bed.audit("prove", ["no-such-job"]).code == 1)
    }

    @Test func `verify finds what was changed in a copy of the log, and says where`() throws {
        _ = try run()
        _ = try run()
        bed.executor.stop()
        let good = try bed.audit("verify")
        #expect(good.code == 0, "\(good.errors)")
        #expect(good.output.contains("the log holds"))
        #expect(!good.output.contains("not covered"))
        let folder = try copy()
        let file = try segment(folder)
        let bytes = [UInt8](try Data(contentsOf: file))
        func code(_ change: (inout [UInt8]) -> Void) throws -> Int32 {
            var changed = bytes
            change(&changed)
            try Data(changed).write(to: file)
            return try bed.audit("verify", log: folder).code
        }
        for place in stride(from: 3, to: bytes.count, by: bytes.count / 12) {
            #expect(try code { $0[place] ^= 4 } == 1, "byte \(place)")
        }
        #expect(try code { $0.removeLast() } == 1)
        #expect(try code { $0.removeLast(1000) } == 1)
        let lines = bytes.split(separator: 0x0a).map { Array($0) + [0x0a] }
        #expect(try code { $0 = (lines.prefix(3) + lines.dropFirst(4)).flatMap { $0 } } == 1)
        #expect(try code { $0 = (lines + [lines[2]]).flatMap { $0 } } == 1)
        #expect(try code { _ in } == 0)
        let changed = try bed.audit("verify", log: folder)
        #expect(changed.code == 0)
        // The log and its checkpoints cut together, by somebody who could write to both: only what is kept elsewhere tells.
        let kept = bed.folder.appending(path: "kept.checkpoint")
        try bed.audit("checkpoint").output.write(to: kept, atomically: true, encoding: .utf8)
        let notes = URL(filePath: folder).appending(path: "checkpoints")
        let first = try String(contentsOf: notes, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
            .prefix(5)
        try (first.joined(separator: "\n") + "\n").write(to: notes, atomically: true, encoding: .utf8)
        let count = try #require(first.dropFirst().first.flatMap { Int($0) })
        try Data(lines.prefix(1 + count).flatMap { $0 }).write(to: file)
        #expect(try bed.audit("verify", log: folder).code == 0)
        let cut = try bed.audit("verify", ["--checkpoint", kept.path], log: folder)
        #expect(cut.code == 1)
        #expect(cut.errors.contains("records were cut off its end"))
    }

    @Test func `wrong use and what cannot be read end with 2`() throws {
        let program = try TestBed.binary("sallyport")
        #expect(try Command.run(program, ["audit", "verify", "--log", bed.auditFolder]).code == 2)
        #expect(try Command.run(program, ["audit", "verify", "--log", bed.auditFolder, "--key", "ed25519:AAAA"]).code == 2)
        #expect(try bed.audit("verify", log: "/nonexistent").code == 2)
        #expect(try bed.audit("check-proof", ["/nonexistent"]).code == 2)
        #expect(try bed.audit("verify", ["--checkpoint", "/nonexistent"]).code == 2)
    }

    @Test func `the executor does not start on a log that was changed, and says which file`() throws {
        _ = try run()
        #expect(bed.executor.stop() == 0)
        let file = try segment(bed.auditFolder)
        let original = try Data(contentsOf: file)
        let text = String(decoding: original, as: UTF8.self)
        try text.replacing(#""state":"succeeded""#, with: #""state":"failed""#).write(to: file, atomically: true, encoding: .utf8)
        try bed.executor.start()
        #expect(eventually { !bed.executor.isRunning })
        #expect(bed.executor.stop() == 1)
        #expect(bed.executor.text.contains("\(file.path): its"))
        #expect(bed.executor.text.contains("take up the audit log"))
        // Put back, all is well.
        try original.write(to: file)
        try bed.executor.start()
        try bed.waitUntilReady()
        _ = try run()
    }

    @Test func `after kill -9 the log has every record that was promised`() throws {
        let jobs = try (0..<3).map { _ in try run() }
        kill(try #require(bed.process("sallyport-executor run")), SIGKILL)
        #expect(eventually { bed.executor.text.components(separatedBy: "executor is ready").count > 2 })
        try bed.waitUntilReady()
        let last = try run()
        for job in jobs + [last] {
            #expect(try kinds(bed.records(of: job, count: 6)).suffix(2) == ["attempt-ended", "result"])
        }
        #expect(try bed.audit("verify").code == 0)
    }
}

/// The sealed executor begins new files while it serves.
@Suite(.timeLimit(.minutes(6)))
struct AuditFileTests {
    @Test func `each full file is followed by another one, and kill -9 in between loses nothing`() throws {
        let bed = try TestBed.audited(segmentSize: "1KiB")
        var jobs: [String] = []
        for round in 0..<3 {
            for number in 0..<4 {
                let job: String = try #require(bed.deliver(event: "evt_\(round)_\(number)")["job"])
                jobs.append(job)
                // Each in a file of its own.
                if number < 3 { #expect(try bed.hasResult(of: job)) }
            }
            kill(try #require(bed.process("sallyport-executor run")), SIGKILL)
            #expect(eventually { bed.executor.text.components(separatedBy: "executor is ready").count > round + 2 })
            try bed.waitUntilReady()
        }
        for job in jobs { #expect(try bed.hasResult(of: job)) }
        let files = try FileManager.default.contentsOfDirectory(atPath: bed.auditFolder)
        // More than the starts could have begun.
        #expect(files.count > 6, "\(files)")
        #expect(try bed.audit("verify").code == 0)
        #expect(!bed.executor.text.contains("audit log cannot be written"))
    }
}
