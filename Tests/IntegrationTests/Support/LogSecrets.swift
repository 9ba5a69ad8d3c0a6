import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// Every log of every bed is looked through for every secret of that bed when it ends; a suite's last bed ends with the test process.
enum LogSecrets {
    private struct Weak: @unchecked Sendable {  // beds are Sendable
        weak var bed: TestBed?
    }

    private static let beds = Mutex<[Weak]>([])

    /// Looks at what is left when the process ends: beds that suites keep have no end of their own.
    private static let atExit: Void = {
        atexit {
            let hits = LogSecrets.beds.withLock { $0.compactMap(\.bed) }.flatMap(LogSecrets.hits)
            guard !hits.isEmpty else { return }
            FileHandle.standardError.write(Data(hits.map { "✘ a log has a secret: \($0)\n" }.joined().utf8))
            fflush(nil)
            _exit(1)
        }
    }()

    static func watch(_ bed: TestBed) {
        atExit
        beds.withLock { beds in
            beds.removeAll { $0.bed == nil }
            beds.append(Weak(bed: bed))
        }
    }

    /// Records an issue for each secret that is in a log.
    static func check(_ bed: TestBed) {
        for hit in hits(bed) { Issue.record("a log has a secret: \(hit)") }
    }

    /// Which secret is in which log.
    static func hits(_ bed: TestBed) -> [String] {
        let secrets = secrets(of: bed)
        return files(in: bed.folder, where: { $0.pathExtension == "log" }).flatMap { log -> [String] in
            guard let text = try? Data(contentsOf: log, options: .alwaysMapped) else { return [] }
            return secrets.filter { text.range(of: Data($0.value.utf8)) != nil }.map { "\($0.name) in \(log.path)" }
        }
    }

    /// All that must be in no log, in each form in which it could be there.
    static func secrets(of bed: TestBed) -> [(name: String, value: String)] {
        var secrets = bed.tokens.flatMap { token in
            [("a token", token)] + (token.split(separator: ".").last.map { [("a token's signature", String($0))] } ?? [])
        }
        let places = [bed.box.appending(path: "secrets"), bed.box.appending(path: "tls")]
        for file in places.flatMap({ files(in: $0, where: { $0.pathExtension != "pub" && $0.pathExtension != "pem" }) }) {
            guard let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
            secrets += forms(of: text).map { (file.lastPathComponent, $0) }
        }
        return secrets.filter { $0.1.utf8.count >= 8 }.map { (name: $0.0, value: $0.1) }
    }

    /// A text as it stands, its lines, and what they encode in hexadecimal and base64; of a private key its seed too.
    private static func forms(of text: String) -> [String] {
        let lines = text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("-----") && !$0.hasPrefix("{") }
        var forms = lines
        if text.hasPrefix("-----"), let key = Data(base64Encoded: lines.joined()) {
            // What both forms of a private key begin with is the same in all of them.
            forms.removeAll { $0.hasPrefix("b3BlbnNzaC1rZXktdjE") }
            for part in [key, key.suffix(32)] { forms += [hex(part), part.base64EncodedString()] }
        } else {
            for line in lines { forms += [hex(Data(line.utf8)), Data(line.utf8).base64EncodedString()] }
        }
        return forms
    }

    private static func hex(_ data: Data) -> String { data.map { String(format: "%02x", $0) }.joined() }

    private static func files(in folder: URL, where isWanted: (URL) -> Bool) -> [URL] {
        let names = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return names.filter(isWanted)
    }
}

/// That a leak would be seen.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct LogSecretsTests {
    @Test func `each secret is found in a log in each of its forms, and a bed at work logs none`() throws {
        let bed = try TestBed()
        #expect(try bed.deliver().status == 200)
        #expect(try bed.deliver(signature: "wrong").status == 401)
        #expect(try bed.deliver(token: "wrong.token.here").status == 401)
        #expect(LogSecrets.hits(bed) == [])
        let secrets = LogSecrets.secrets(of: bed)
        let names = Set(secrets.map(\.name))
        #expect(
            names == ["a token", "a token's signature", "hookdeck", "token.key", "ingress.key", "executor.key", "deploy.key"])
        let log = bed.folder.appending(path: "leak.log")
        for secret in secrets {
            try "{\"message\":\"x \(secret.value) y\"}\n".write(to: log, atomically: true, encoding: .utf8)
            #expect(LogSecrets.hits(bed).contains("\(secret.name) in \(log.path)"), "\(secret.name)")
        }
        try FileManager.default.removeItem(at: log)
    }
}
