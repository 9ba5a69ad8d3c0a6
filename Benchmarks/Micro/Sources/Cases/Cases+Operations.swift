import Authentication
import Glibc
import Logging
import Telemetry

extension Case {
    static let operations = [
        Case("log: one line to /dev/null", counted: 100) {
            let descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw Unexpected("no /dev/null") }
            let logger = Logger(label: "executor") { _ in
                LineLogHandler(service: "sallyport-executor", threshold: LogThreshold(), descriptor: descriptor)
            }
            let job = "01977f3a-5b1c-7d2e-8f40-a1b2c3d4e5f6"
            return {
                logger.info(
                    "job accepted",
                    metadata: [
                        "job": "\(job)", "name": "deploy", "hook": "github", "ingress": "edge",
                        "event": "72d3162e-cc78-11e3-81ab-4c9367dc0958", "attempt": "1", "correlation_id": "\(job)",
                    ])
                guard LineLogHandler.dropped == 0 else { throw Unexpected("a line was dropped") }
            }
        },
        Case("metrics: the executor's page, 10 jobs on 20 hosts", counted: 1) {
            let metrics = try ExecutorMetrics()
            for job in 0..<10 {
                metrics.began("job-\(job)", waited: 3)
                metrics.finished("job-\(job)", Samples.result(Samples.request()))
            }
            for host in 0..<20 {
                metrics.ended(
                    .with {
                        $0.destination = "web-\(host)"
                        $0.status = .succeeded
                        $0.durationMs = 1200
                    }, ran: true)
                metrics.asked("web-\(host)", isSigned: true)
            }
            return { use(metrics.registry.text()) }
        },
    ]

    static func knownHosts(_ names: (Int) -> String) throws -> KnownHosts {
        var text = ""
        for number in 0..<100 {
            var key = SSHWriter()
            key.string(Array("ssh-ed25519".utf8))
            key.string(SHA256.hash(Array("\(number)".utf8)))
            text += "\(names(number)) ssh-ed25519 \(Base64.encode(key.bytes))\n"
        }
        var problems: [String] = []
        let hosts = KnownHosts(text: text) { problems.append("line \($0): \($1)") }
        guard problems.isEmpty else { throw Unexpected(problems.joined(separator: "; ")) }
        return hosts
    }

    /// As OpenSSH hashes names.
    static func hashed(_ name: String) -> String {
        let salt = SHA256.hash(Array(name.utf8)).prefix(20)
        guard let key = try? HMACKey(SecretBytes(copying: salt), hash: .sha1) else { return name }
        return "|1|\(Base64.encode(Array(salt)))|\(Base64.encode(key.code(for: Array(name.utf8))))"
    }

    static func find(in hosts: KnownHosts) throws {
        guard hosts.lookup(address: "web-50.example", port: 22).keys.count == 1 else { throw Unexpected("not one key") }
    }
}
