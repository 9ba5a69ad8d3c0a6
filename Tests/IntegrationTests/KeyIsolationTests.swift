import Foundation
import Glibc
import TestSupport
import Testing

/// After deliveries have been served, whose memory has the keys in it. Reading another process's memory is root's.
@Suite(.enabled(if: geteuid() == 0), .timeLimit(.minutes(6)))
struct KeyIsolationTests {
    /// The key's own bytes, and the text of its file: an Ed25519 key in PKCS#8 ends with its 32 bytes (RFC 8410 section 7).
    private func forms(of file: URL) throws -> [Data] {
        let (seed, text) = try KeyFile.secret(in: file)
        return [seed, Data(text.utf8)]
    }

    /// All of a file of proc(5); `String(contentsOfFile:)` ends with the first page of it.
    private func text(_ path: String) throws -> String {
        let bytes = try #require(FileHandle(forReadingAtPath: path)).readToEnd()
        return String(decoding: bytes ?? Data(), as: UTF8.self)
    }

    /// Which of `needles` stand anywhere in what a process can read of its own memory.
    private func found(_ needles: [Data], in process: Int32) throws -> [Bool] {
        var found = needles.map { _ in false }
        let memory = try #require(FileHandle(forReadingAtPath: "/proc/\(process)/mem"))
        let maps = try text("/proc/\(process)/maps")
        for line in maps.split(separator: "\n") where !line.hasSuffix("[vvar]") && !line.hasSuffix("[vsyscall]") {
            let fields = line.split(separator: " ")
            let ends = fields[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            guard fields[1].hasPrefix("r"), ends.count == 2 else { continue }
            // What cannot be read has no page behind it.
            guard (try? memory.seek(toOffset: ends[0])) != nil, let bytes = try? memory.read(upToCount: Int(ends[1] - ends[0]))
            else {
                continue
            }
            for (index, needle) in needles.enumerated() where bytes.range(of: needle) != nil { found[index] = true }
        }
        return found
    }

    /// The mappings of a process that have one of `needles` in them and are not locked, or would be in a dump (proc(5), VmFlags).
    private func carelessPlaces(of needles: [Data], in process: Int32) throws -> [String] {
        let memory = try #require(FileHandle(forReadingAtPath: "/proc/\(process)/mem"))
        let lines = try text("/proc/\(process)/smaps").split(separator: "\n")
        var places: [String] = []
        var mapping: Substring = ""
        for line in lines {
            guard line.hasPrefix("VmFlags:") else {
                if line.firstMatch(of: #/^[0-9a-f]+-[0-9a-f]+ /#) != nil { mapping = line }
                continue
            }
            let flags = Set(line.split(separator: " ").dropFirst())
            guard flags.contains("rd"), !flags.isSuperset(of: ["lo", "dd"]) else { continue }
            let ends = mapping.split(separator: " ")[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            guard ends.count == 2, (try? memory.seek(toOffset: ends[0])) != nil,
                let bytes = try? memory.read(upToCount: Int(ends[1] - ends[0]))
            else { continue }
            places += needles.indices.filter { bytes.range(of: needles[$0]) != nil }.map { "needle \($0): \(mapping)" }
        }
        return places
    }

    @Test func `private keys stand in locked memory alone, and a secret that was replaced stands nowhere`() throws {
        let bed = try TestBed()
        for number in 1...20 { #expect(try bed.deliver(event: "key-\(number)").status == 200) }
        let secrets = bed.box.appending(path: "secrets")
        let keys = try ["deploy.key", "executor.key"].flatMap { try forms(of: secrets.appending(path: $0)) }
        let executor = try #require(bed.process("sallyport-executor run"))
        #expect(try found(keys, in: executor)[0])
        #expect(try carelessPlaces(of: keys, in: executor) == [])
        let fresh = secrets.appending(path: "fresh.key")
        try Command.run(try TestBed.binary("sallyport"), ["keygen", fresh.path])
        let file = secrets.appending(path: "deploy.key")
        try Data(contentsOf: fresh).write(to: file)
        kill(bed.executor.pid, SIGHUP)
        try #require(eventually { bed.executor.text.contains("settings are read again") })
        #expect(eventually { (try? found(keys, in: executor).prefix(2)) == [false, false] })
        let own = try forms(of: secrets.appending(path: "ingress.key"))
        let old = Data(try bed.hookdeckSecret.utf8)
        #expect(try found([old] + own, in: bed.ingress.pid).prefix(2) == [true, true])
        #expect(try carelessPlaces(of: own, in: bed.ingress.pid) == [])
        try "another secret of the same kind".write(to: secrets.appending(path: "hookdeck"), atomically: false, encoding: .utf8)
        kill(bed.ingress.pid, SIGHUP)
        try #require(eventually { bed.ingress.text.contains("settings are read again") })
        #expect(try bed.deliver(event: "new").status == 200)
        #expect(eventually { (try? found([old], in: bed.ingress.pid)) == [false] })
    }

    @Test func `the executor alone has the keys in its memory, and no log has them`() throws {
        let bed = try TestBed()
        for number in 1...20 {
            let push = TestBed.push.replacingOccurrences(of: "6113728f", with: String(10_000_000 + number))
            #expect(try bed.deliver(push, event: "key-\(number)").status == 200)
        }
        let secrets = bed.box.appending(path: "secrets")
        let keys = try ["deploy.key", "executor.key"].flatMap { try forms(of: secrets.appending(path: $0)) }
        let executor = try #require(bed.process("sallyport-executor run"))
        let own = try found(keys, in: executor)
        // Otherwise the search would prove nothing.
        #expect(own[0] && own[2], "the executor's own memory: \(own)")
        let others =
            bed.processes("sallyport-ssh-worker") + [bed.ingress.pid, bed.executor.pid]
            + ProcessTable.all().filter { $0.parent == bed.ingress.pid }.map(\.pid)
        #expect(others.count == 5, "two workers, the ingress, its settings reader, the supervisor")
        for process in others {
            #expect(try found(keys, in: process) == keys.map { _ in false }, "process \(process)")
        }
        let token = Data(
            try String(contentsOf: secrets.appending(path: "hookdeck"), encoding: .utf8).trimmingCharacters(in: .newlines).utf8)
        for log in [bed.executor.text, bed.ingress.text] {
            for secret in keys + [token, Data(bed.token.utf8)] {
                #expect(Data(log.utf8).range(of: secret) == nil)
                #expect(!log.contains(secret.base64EncodedString()))
                #expect(!log.contains(secret.map { String(format: "%02x", $0) }.joined()))
            }
        }
    }

    @Test func `a key file that whoever started the executor had open is in none of its processes`() throws {
        let bed = try TestBed(start: false)
        let key = bed.box.appending(path: "secrets/deploy.key").path
        let executor = Daemon(
            "/bin/sh",
            [
                "-c", #"exec 9<"$1"; shift; exec "$@""#, "sh", key, try TestBed.binary("sallyport-executor"), "serve", "--config",
                bed.box.appending(path: "executor.yaml").path,
            ], log: bed.folder.appending(path: "inheriting.log"))
        try executor.start()
        defer { executor.stop(SIGTERM, within: 5) }
        try #require(eventually { executor.text.contains("executor is ready") }, "\(executor.text)")
        let processes = [executor.pid] + ProcessTable.all().filter { $0.parent == executor.pid }.map(\.pid)
        #expect(processes.count == 4, "supervisor, executor, two workers")
        for process in processes {
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\($0)")
            }
            #expect(!open.contains(key), "process \(process)")
        }
    }
}
