import Foundation
import TestSupport

/// A private sshd, an executor and an ingress in a folder of their own, started from what `sallyport init` writes.
///
/// Sendable by its use: what changes is changed by the suite that owns it, one test at a time.
final class TestBed: @unchecked Sendable {  // see above
    let folder: URL
    let box: URL
    let server: SSHServer
    let httpPort: Int
    let operationsPort: Int
    private(set) var executor: Daemon
    private(set) var ingress: Daemon
    private(set) var token = ""
    /// All that were made here.
    private(set) var tokens: [String] = []

    static var binaries: URL {
        get throws {
            if let path = ProcessInfo.processInfo.environment["SALLYPORT_BINARIES"] { return URL(filePath: path) }
            // Beside the test bundle.
            return URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        }
    }

    static func binary(_ name: String) throws -> String {
        let path = try binaries.appending(path: name).path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw TestBedError("\(path) is not there; run scripts/test, which sets SALLYPORT_BINARIES")
        }
        return path
    }

    /// Makes the folder, keys and settings. `jobs` and `hooks` are added to those that `init` writes.
    init(jobs: String = "", hooks: String = "", start: Bool = true) throws {
        folder = URL(filePath: "/tmp/sallyport-\(UUID().uuidString.prefix(8))")
        box = folder.appending(path: "box")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        httpPort = try FreePort.next()
        operationsPort = try FreePort.next()
        let sshFolder = folder.appending(path: "sshd")
        server = try SSHServer(folder: sshFolder, authorizedKeys: [])
        let made = try Command.run(
            try Self.binary("sallyport"),
            [
                "init", box.path, "--port", "\(server.port)", "--user", NSUserName(), "--http-port", "\(httpPort)",
                "--operations-port", "\(operationsPort)",
            ])
        guard made.code == 0 else { throw TestBedError("init: \(made.errors)") }
        try FileManager.default.removeItem(at: sshFolder.appending(path: "authorized_keys"))
        try FileManager.default.copyItem(
            at: box.appending(path: "secrets/deploy.key.pub"), to: sshFolder.appending(path: "authorized_keys"))
        executor = Daemon(
            try Self.binary("sallyport-executor"), ["serve", "--config", box.appending(path: "executor.yaml").path],
            log: folder.appending(path: "executor.log"))
        ingress = Daemon(
            try Self.binary("sallyport-ingress"), ["serve", "--config", box.appending(path: "ingress.yaml").path],
            log: folder.appending(path: "ingress.log"))
        try useJournal()
        try append(jobs, to: "executor.yaml")
        try append(hooks, to: "ingress.yaml")
        try server.start()
        try pinHostKey()
        token = try mint()
        LogSecrets.watch(self)
        if start { try self.start() }
    }

    deinit {
        ingress.stop(SIGKILL)
        executor.stop(SIGTERM, within: 3)
        server.stop(SIGKILL)
        LogSecrets.check(self)
        if ProcessInfo.processInfo.environment["SALLYPORT_KEEP"] == nil { try? FileManager.default.removeItem(at: folder) }
    }

    func start() throws {
        try executor.start()
        try ingress.start()
        try waitUntilReady()
    }

    /// The executor alone, in a mount namespace of its own, in which the shell command `mount` was run first.
    func startExecutor(mounting mount: String) throws {
        let own = ["serve", "--config", box.appending(path: "executor.yaml").path]
        executor = Daemon(
            "/usr/bin/unshare", ["-m", "sh", "-c", "\(mount) && exec \"$@\"", "sh", try Self.binary("sallyport-executor")] + own,
            log: folder.appending(path: "executor.log"), environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
        try executor.start()
    }

    /// Both gates, from their next start on, with more in their environment.
    func use(environment: [String: String]) throws { try use(executor: environment, ingress: environment) }

    /// As ``use(environment:)``, for each its own.
    ///
    /// - Parameter entrance: a program and arguments that start both, as ``SmallDisks/entrance``.
    func use(
        executor executorEnvironment: [String: String], ingress ingressEnvironment: [String: String],
        through entrance: [String] = []
    ) throws {
        func daemon(_ program: String, _ name: String, _ environment: [String: String]) throws -> Daemon {
            let words = try entrance + [Self.binary(program), "serve", "--config", box.appending(path: "\(name).yaml").path]
            return Daemon(
                words[0], Array(words.dropFirst()), log: folder.appending(path: "\(name).log"), environment: environment)
        }
        executor = try daemon("sallyport-executor", "executor", executorEnvironment)
        ingress = try daemon("sallyport-ingress", "ingress", ingressEnvironment)
    }

    func waitUntilReady() throws {
        guard
            try eventually({ try Command.run("/usr/bin/curl", ["-sf", "http://127.0.0.1:\(operationsPort)/readyz"]).code == 0 })
        else {
            throw TestBedError("not ready: \(executor.text) \(ingress.text)")
        }
        // Ready means connected; a worker may still be on its way, and the executor waits for it.
    }

    func pinHostKey() throws {
        try? FileManager.default.removeItem(at: box.appending(path: "known_hosts"))
        let pinned = try Command.run(
            try Self.binary("sallyport"),
            ["hosts", "scan", "127.0.0.1", "--port", "\(server.port)", "--pin", box.appending(path: "known_hosts").path])
        guard pinned.code == 0 else { throw TestBedError("hosts scan: \(pinned.errors)") }
    }

    func mint(_ more: [String] = []) throws -> String {
        let issued = try Command.run(
            try Self.binary("sallyport"),
            [
                "token", "issue", "--key", box.appending(path: "secrets/token.key").path, "--issuer", "sallyport-init",
                "--audience",
                "sallyport", "--subject", "deployer", "--key-id", "init",
            ] + more)
        guard issued.code == 0 else { throw TestBedError("token issue: \(issued.errors)") }
        let token = issued.output.trimmingCharacters(in: .newlines)
        tokens.append(token)
        return token
    }

    func append(_ text: String, to file: String) throws {
        guard !text.isEmpty else { return }
        let url = box.appending(path: file)
        try (try String(contentsOf: url, encoding: .utf8) + text).write(to: url, atomically: true, encoding: .utf8)
    }

    var hookdeckSecret: String {
        get throws {
            try String(contentsOf: box.appending(path: "secrets/hookdeck"), encoding: .utf8).trimmingCharacters(in: .newlines)
        }
    }

    /// Processes below the supervisor whose command line has `text` in it.
    func processes(_ text: String, anywhere: Bool = false) -> [Int32] {
        let supervisor = executor.pid
        return ProcessTable.all().filter { process in
            process.commandLine.contains(text) && (anywhere || process.parent == supervisor)
        }.map(\.pid)
    }

    /// The first of them.
    func process(_ text: String, anywhere: Bool = false) -> Int32? { processes(text, anywhere: anywhere).first }

    /// `sallyport …` with this bed's admin socket.
    func command(_ arguments: [String]) throws -> Command {
        try Command.run(
            try Self.binary("sallyport"), arguments + ["--socket", box.appending(path: "run/admin.sock").path])
    }

    /// The jobs the journal has, newest first.
    func jobs(_ arguments: [String] = []) throws -> [[String: Any]] {
        try command(["jobs", "list", "--json"] + arguments).output.split(separator: "\n").map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
        }
    }
}

/// What a hook answered.
struct HookAnswer {
    let status: Int
    let headers: [String: String]
    let text: String

    var json: [String: Any] { (try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) ?? [:] }
    subscript(key: String) -> String? { json[key] as? String }
    var exitCode: Int? { json["exitCode"] as? Int }
    var isDuplicate: Bool { json["duplicate"] as? Bool ?? false }
}

extension TestBed {
    static let push =
        #"{"ref":"refs/heads/main","after":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","repository":{"full_name":"octo-org/octo-repo"}}"#

    /// Posts a delivery as Hookdeck would, with the real curl; nil leaves a part out.
    func deliver(
        _ body: String = TestBed.push, hook: String = "github", event: String? = nil, attempt: Int = 1,
        signature: String? = "right",
        token: String? = "right", method: String = "POST", contentType: String = "application/json", more: [String] = []
    ) throws -> HookAnswer {
        let event = event ?? "evt_\(UUID().uuidString)"
        var arguments = [
            "-s", "-i", "--max-time", "60", "-X", method, "--data-binary", "@-", "-H", "Expect:", "-H",
            "Content-Type: \(contentType)", "-H",
            "X-Hookdeck-EventID: \(event)", "-H", "X-Hookdeck-Attempt-Count: \(attempt)",
        ]
        if let signature {
            let value = signature == "right" ? try Signature.hookdeck(Data(body.utf8), secret: hookdeckSecret) : signature
            arguments += ["-H", "X-Hookdeck-Signature: \(value)"]
        }
        if let token { arguments += ["-H", "X-Sallyport-Token: \(token == "right" ? self.token : token)"] }
        arguments += more + ["http://127.0.0.1:\(httpPort)/hooks/\(hook)"]
        let result = try Command.run("/usr/bin/curl", arguments, input: Data(body.utf8))
        return try Self.parse(result)
    }

    static func parse(_ result: Command) throws -> HookAnswer {
        let parts = result.output.components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count > 1, let status = Int(words[1]) else {
            throw TestBedError("no answer (curl \(result.code)): \(result.output)")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return HookAnswer(status: status, headers: headers, text: parts.dropFirst().joined(separator: "\r\n\r\n"))
    }
}

/// Signatures made by another program than the one under test.
enum Signature {
    static func hookdeck(_ body: Data, secret: String) throws -> String {
        let mac = try Command.run("/usr/bin/openssl", ["dgst", "-sha256", "-hmac", secret, "-r"], input: body)
        let hex = mac.output.prefix(64)
        guard hex.count == 64 else { throw TestBedError("openssl: \(mac.errors)") }
        var bytes = Data()
        var index = hex.startIndex
        while index < hex.endIndex {
            let next = hex.index(index, offsetBy: 2)
            bytes.append(UInt8(hex[index..<next], radix: 16) ?? 0)
            index = next
        }
        return bytes.base64EncodedString()
    }
}
