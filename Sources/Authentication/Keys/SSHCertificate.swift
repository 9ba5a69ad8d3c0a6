/// An OpenSSH user certificate for an ECDSA key: what a CA says of the key, and until when.
///
/// The CA's signature is the host's to verify, for only the host knows which CA it trusts. Source: PROTOCOL.certkeys of OpenSSH.
public struct SSHCertificate: Sendable {
    /// As in `ecdsa-sha2-nistp256-cert-v01@openssh.com`.
    public let algorithm: String
    /// In wire form, as it is shown to hosts.
    public let blob: [UInt8]
    /// What the CA calls it.
    public let keyID: String
    /// Who may log in with it, for hosts without a list of their own; none means nobody.
    public let principals: [String]
    /// Unix seconds from which and before which it is good.
    public let validity: Range<UInt64>
    /// Names of what narrows its use, such as `force-command`.
    public let criticalOptions: [String]

    private static let suffix = "-cert-v01@openssh.com"
    /// Principals and options that are read.
    private static let maximumNames = 256

    /// Reads the one line of a `-cert.pub` file, for the key it must belong to.
    ///
    /// - Throws: ``AuthenticationError`` naming `origin` and what to do.
    public init(line: String, key: [UInt8], origin: String) throws(AuthenticationError) {
        let (type, blob) = try SSHPublicKey.parts(of: line, origin: origin)
        guard type.hasSuffix(Self.suffix) else {
            throw AuthenticationError(
                .badKey, "\(origin): no certificate; sign the public key: ssh-keygen -s CA -I NAME -n USER KEY.pub")
        }
        guard let curve = SSHCurve.all.first(where: { type == "ecdsa-sha2-\($0.name)" + Self.suffix }) else {
            throw AuthenticationError(
                .notSupported,
                "\(origin): a certificate of type \(type.prefix(48)), which the SSH library here cannot log in with; only ECDSA ones can be "
                    + "used: make a key with ssh-keygen -t ecdsa and have it signed")
        }
        var reader = SSHReader(blob)
        guard reader.text(limit: 64) == type, reader.string(limit: 256) != nil, reader.text(limit: 32) == curve.name,
            let point = reader.string(limit: 256), reader.bytes(8) != nil, let kind = reader.uint32(),
            let keyID = reader.text(limit: 1024), let principals = reader.string(limit: SSHPublicKey.maximumBlob),
            let after = reader.uint64(), let before = reader.uint64(),
            let options = reader.string(limit: SSHPublicKey.maximumBlob), reader.string(limit: SSHPublicKey.maximumBlob) != nil,
            reader.string(limit: 256) != nil, reader.string(limit: 2048) != nil, reader.string(limit: 2048) != nil,
            reader.isAtEnd,
            let names = Self.names(principals, each: 1), let critical = Self.names(options, each: 2)
        else { throw AuthenticationError(.badKey, "\(origin): not a whole certificate") }
        guard kind == 1 else {
            throw AuthenticationError(
                .badKey, "\(origin): a host's certificate; to log in one of a user is needed (ssh-keygen -s without -h)")
        }
        guard after < before else { throw AuthenticationError(.badKey, "\(origin): it is never valid") }
        var plain = SSHWriter()
        plain.string("ecdsa-sha2-\(curve.name)".utf8)
        plain.string(curve.name.utf8)
        plain.string(point)
        guard plain.bytes == key else {
            throw AuthenticationError(
                .badKey,
                "\(origin): it is for the key \(SSHPublicKey.fingerprint(plain.bytes)), the identity's is \(SSHPublicKey.fingerprint(key))"
            )
        }
        algorithm = type
        self.blob = blob
        self.keyID = keyID
        self.principals = names
        validity = after..<before
        criticalOptions = critical
    }

    /// Every `each`th of the strings one after the other; nil when they are not whole.
    private static func names(_ bytes: [UInt8], each: Int) -> [String]? {
        var reader = SSHReader(bytes)
        var names: [String] = []
        var index = 0
        while !reader.isAtEnd {
            guard index < maximumNames, let name = reader.text(limit: SSHPublicKey.maximumBlob) else { return nil }
            if index % each == 0 { names.append(name) }
            index += 1
        }
        return index % each == 0 ? names : nil
    }
}

extension SSHReader {
    fileprivate mutating func uint64() -> UInt64? {
        guard let high = uint32(), let low = uint32() else { return nil }
        return UInt64(high) << 32 | UInt64(low)
    }
}
