internal import Authentication

/// A host's public key as it presents it.
public struct HostKey: Sendable {
    /// As in `ssh-ed25519`.
    public let type: String
    /// RFC 4253 section 6.6.
    public let blob: [UInt8]

    /// Reads the type out of the blob; nil when it is none.
    public init?(blob: [UInt8]) {
        guard blob.count > 4 else { return nil }
        let length = blob[0..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length > 0, length <= 64, blob.count > 4 + length else { return nil }
        type = String(decoding: blob[4..<4 + length], as: UTF8.self)
        self.blob = blob
    }

    /// As `ssh-keygen -l` prints it: `SHA256:` and base64 without padding.
    public var fingerprint: String { "SHA256:" + Base64.encode(SHA256.hash(blob)).prefix { $0 != "=" } }

    /// The line of a known_hosts file (sshd(8)).
    public func knownHostsLine(host: String, port: UInt16) -> String {
        (port == 22 ? host : "[\(host)]:\(port)") + " \(type) \(Base64.encode(blob))"
    }
}
