internal import Authentication
internal import NIOCore
internal import NIOPosix
internal import Settings
internal import Telemetry

extension SSHCertificate {
    /// Why no host would take it at that time (Unix seconds); nil while it is good.
    func problem(of identity: String, now: Int64) -> String? {
        let now = UInt64(clamping: now)
        let next =
            "have the key signed again (ssh-keygen -s CA -I NAME -n USER -V +52w KEY.pub), replace the file and send SIGHUP"
        if now >= validity.upperBound {
            return "the certificate of identity \(identity) expired at \(Self.date(validity.upperBound)); \(next)"
        }
        guard now < validity.lowerBound else { return nil }
        return
            "the certificate of identity \(identity) is not valid before \(Self.date(validity.lowerBound)); compare the clocks, or \(next)"
    }

    static func date(_ seconds: UInt64) -> String {
        guard seconds < UInt64(253_402_300_800) else { return "the end of time" }
        return Timestamp.text(seconds: Int(seconds))
    }
}

/// Identities for people: where each signs, and what an operator should look at.
struct IdentityWords {
    let hosts: HostDirectory
    /// Unix seconds.
    let now: Int64

    /// A line for each identity, and its warnings. Asks the ssh-agents that are named; blocks.
    var lines: [String] {
        let names = hosts.identities.keys.sorted()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let client = AgentClient(group: group)
        return names.flatMap { name -> [String] in
            guard let key = hosts.identities[name] else { return [] }
            var lines = ["identity \(name): \(key.fingerprint)"]
            if let certificate = key.certificate {
                lines[0] +=
                    ", with the certificate \(certificate.keyID.debugDescription) for \(certificate.principals.joined(separator: ", ")) "
                    + "until \(SSHCertificate.date(certificate.validity.upperBound))"
                lines += warnings(name, certificate).map { "  warning: \($0)" }
            }
            guard let place = key.agent else { return lines }
            do throws(AgentError) {
                let hasKey = try client.keys(at: place).contains(key.publicKey.blob)
                lines[0] += ", in the ssh-agent at \(place.socket)" + (hasKey ? ", which has it" : "")
                if !hasKey {
                    lines.append(
                        "  warning: ssh-agent at \(place.socket): it does not have \(key.fingerprint); ssh-add -l shows which, and nothing while it is locked"
                    )
                }
            } catch {
                lines.append("  warning: \(error)")
            }
            for (host, target) in hosts.targets.sorted(by: { $0.key < $1.key })
            where target.identityName == name && target.connectTimeout <= place.timeout {
                lines.append(
                    "  warning: host \(host) gives up to connect after \(SettingsNode.words(target.connectTimeout)), the agent may take "
                        + "\(SettingsNode.words(place.timeout)); raise the host's `connect-timeout`")
            }
            return lines
        }
    }

    private func warnings(_ name: String, _ certificate: SSHCertificate) -> [String] {
        var warnings: [String] = []
        if let problem = certificate.problem(of: name, now: now) {
            warnings.append(problem)
        } else if certificate.validity.upperBound - UInt64(clamping: now) < 7 * 86_400 {
            warnings.append(
                "the certificate of identity \(name) expires at \(SSHCertificate.date(certificate.validity.upperBound))")
        }
        if certificate.principals.isEmpty {
            warnings.append("the certificate of identity \(name) names no principal; no host lets it in")
        }
        for (host, target) in hosts.targets.sorted(by: { $0.key < $1.key })
        where target.identityName == name && !certificate.principals.isEmpty && !certificate.principals.contains(target.user) {
            warnings.append(
                "host \(host) is logged in to as \(target.user), which is no principal of the certificate; that works only with AuthorizedPrincipals on the host"
            )
        }
        for option in certificate.criticalOptions where option == "force-command" {
            warnings.append("the certificate of identity \(name) has \(option): hosts run that, and not what jobs ask for")
        }
        return warnings
    }
}
