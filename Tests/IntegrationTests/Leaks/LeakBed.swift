import Authentication
import Foundation
import Glibc
import HostileHost
import JSON
import TestSupport

/// A bed whose gates and workers are counted, with hooks for everything that passes the C boundary, well or badly.
final class LeakBed {
    /// Names of one host that is misbehaving: each is tried three times and then left alone for a while.
    static let names = 2
    /// Hosts that do not come to a command, each by a way of its own through libssh2.
    static let misbehaviours =
        Misbehaviour.beforeLogin.filter { !"\($0)".contains("a second") } + [
            Misbehaviour.withoutShell[1], Misbehaviour.withoutShell[3],
        ] + Misbehaviour.withoutProof.prefix(5)

    let bed: TestBed
    let counter: HandleCounter
    private let hostile: [HostileHost]
    /// Lets nobody in.
    private let locked: SSHServer
    /// Shows an ECDSA key.
    private let elliptic: SSHServer
    let tokens: LeakTokens
    let sender: Ed25519PrivateKey
    /// Hooks of jobs that come no further than their host.
    let misled: [String]

    init() throws {
        sender = try .generate()
        hostile = try Self.misbehaviours.map { try HostileHost($0) }
        let verify = "{ standard-webhooks: { public-key: \"\(StandardWebhooks.text(sender.publicKey))\""
        let token = "issuer: leaks, audience: sallyport, keys: { file: leak-keys.json }"
        misled = (0..<Self.names).flatMap { number in
            (["locked", "closed", "wrong"] + Self.misbehaviours.indices.map { "evil\($0)" }).map { "\($0)-\(number)" }
        }
        func job(_ name: String, _ command: String, on host: String = "web-1", _ more: String = "timeout: 20s") -> String {
            "  \(name): { command: \(command), destinations: [\(host)], \(more) }\n"
        }
        let long = "[sleep, \"30\"]"
        let jobs = [
            job("quick", "[\"true\"]"), job("failing", "[sh, -c, \"echo no >&2; exit 3\"]"),
            job("large", "[sh, -c, \"cat; head -c 3000000 /dev/zero\"]", "timeout: 20s, stdin: body"),
            job("behind", "[\"true\"]", on: "inner"), job("elliptic", "[\"true\"]", on: "elliptic"),
            job("guarded", "[\"true\"]", "timeout: 20s, token: { \(token) }"),
            job("signed", "[\"true\"]", "timeout: 20s, verify: \(verify) } }"),
            job("overdue", long, "timeout: 300ms, grace: 100ms"), job("stuck", long),
        ]
        let hooks =
            ["quick", "failing", "behind", "elliptic", "overdue"].map { DeliveryTests.hook($0) }.joined()
            + DeliveryTests.hook("stuck", "respond: async") + DeliveryTests.hook("large", "body: true")
            + "  hmac: { verify: { hookdeck: { secret: { file: secrets/hookdeck } } }, job: quick }\n"
            + "  guarded: { verify: none, token: { header: X-Own, \(token), forward: true }, job: guarded }\n"
            + "  signed: { verify: \(verify), forward: true } }, body: true, job: signed }\n"
        bed = try TestBed(
            jobs: jobs.joined() + misled.map { job($0, "[\"true\"]", on: $0, "timeout: 1s, grace: 100ms") }.joined(),
            hooks: hooks + misled.map { DeliveryTests.hook($0) }.joined(), start: false)
        counter = try HandleCounter(in: bed.folder)
        tokens = try LeakTokens(in: bed.box, file: "leak-keys.json")
        locked = try SSHServer(folder: bed.folder.appending(path: "locked"), authorizedKeys: [])
        let own = try String(contentsOf: bed.box.appending(path: "secrets/deploy.key.pub"), encoding: .utf8)
        elliptic = try SSHServer(folder: bed.folder.appending(path: "elliptic"), authorizedKeys: [own])
        try Command.run("/bin/rm", [elliptic.hostKeyFile.path, elliptic.hostKeyFile.path + ".pub"])
        try Command.run("/usr/bin/ssh-keygen", ["-q", "-t", "ecdsa", "-N", "", "-f", elliptic.hostKeyFile.path])
        try addHosts()
        _ = try Certificates(bed.box.appending(path: "tls"))
        try bed.change(
            bed.listenLine,
            to:
                "listen: { address: 127.0.0.1, port: \(bed.httpPort), tls: { certificate: tls/server.pem, private-key: { file: tls/server.key } } }"
        )
        try bed.use(environment: counter.environment)
        try locked.start()
        try elliptic.start()
        try bed.start()
    }

    deinit {
        for host in hostile { host.stop() }
        locked.stop(SIGKILL)
        elliptic.stop(SIGKILL)
    }

    private func addHosts() throws {
        let closed = try FreePort.next()
        let web = try BedHost("web-1", bed.server)
        var hosts = [try BedHost("elliptic", elliptic)]
        for number in 0..<Self.names {
            hosts.append(try BedHost("locked-\(number)", locked))
            hosts.append(BedHost("closed-\(number)", port: closed, hostKey: web.hostKey))
            // Another address of the same sshd, for which another key is pinned.
            hosts.append(
                BedHost("wrong-\(number)", address: "127.0.0.3", port: bed.server.port, hostKey: try BedHost("", locked).hostKey))
            hosts += hostile.enumerated().map { BedHost("evil\($0)-\(number)", $1) }
        }
        bed.server.stop(SIGKILL)
        try bed.server.add(addresses: ["127.0.0.2", "127.0.0.3"])
        try bed.server.start()
        try bed.add(hosts: hosts)
        try bed.add(
            hostLines:
                "  inner: { address: 127.0.0.2, port: \(bed.server.port), user: \(NSUserName()), identity: deploy, jump: web-1 }\n"
        )
        try bed.append("[127.0.0.2]:\(bed.server.port) \(web.hostKey)\n", to: "known_hosts")
    }

    /// Ends every connection to every host.
    func dropConnections() {
        for host in hostile { host.dropConnections() }
        for pid in [bed.server, locked, elliptic].flatMap(\.sessions) { kill(pid, SIGKILL) }
    }
}

/// Tokens of a key of each family, none twice.
final class LeakTokens {
    private let issuers: [TokenIssuer]
    private var number = 0

    /// Makes the keys, and `file` with their public halves.
    init(in folder: URL, file: String) throws {
        func openssl(_ arguments: [String]) throws -> String { try Command.run("/usr/bin/openssl", arguments).output }
        var keys: [String] = []
        issuers = try [("RSA", "rsa_keygen_bits:2048"), ("EC", "ec_paramgen_curve:P-256"), ("ED25519", "")].map { type, option in
            let key = folder.appending(path: "leak-\(type).key").path
            _ = try openssl(
                ["genpkey", "-quiet", "-algorithm", type, "-out", key] + (option.isEmpty ? [] : ["-pkeyopt", option]))
            let der = folder.appending(path: "leak.der").path
            _ = try openssl(["pkey", "-in", key, "-pubout", "-outform", "DER", "-out", der])
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: der)))
            switch type {
            case "RSA":
                // The modulus stands before the exponent, 65537, which takes five bytes.
                let n = Base64.encodeURL(Array(bytes.dropLast(5).suffix(256)))
                keys.append(#"{"kty":"RSA","alg":"RS256","kid":"RSA","e":"AQAB","n":"\#(n)"}"#)
            case "EC":
                let (x, y) = (Base64.encodeURL(Array(bytes.suffix(64).prefix(32))), Base64.encodeURL(Array(bytes.suffix(32))))
                keys.append(#"{"kty":"EC","alg":"ES256","kid":"EC","crv":"P-256","x":"\#(x)","y":"\#(y)"}"#)
            default:
                let x = Base64.encodeURL(Array(bytes.suffix(32)))
                keys.append(#"{"kty":"OKP","alg":"EdDSA","kid":"ED25519","crv":"Ed25519","x":"\#(x)"}"#)
            }
            chmod(key, 0o600)
            return try TokenIssuer(key: .read(file: key), origin: key, keyID: type)
        }
        try "{\"keys\":[\(keys.joined(separator: ","))]}\n".write(
            to: folder.appending(path: file), atomically: true, encoding: .utf8)
    }

    func next() throws -> String {
        number += 1
        return try issuers[number % issuers.count].issue(
            JSONObject([
                ("iss", .string("leaks")), ("aud", .string("sallyport")), ("jti", .string("\(number)")),
                ("exp", .integer(Int64(Date().timeIntervalSince1970) + 3600)),
            ]))
    }
}
