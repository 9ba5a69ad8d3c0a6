internal import Authentication

/// The one thing the executor signs for a worker: a request to log in with a public key (RFC 4252 section 7), parsed completely.
struct UserAuthenticationRequest {
    /// Bytes of a session id: the hash of the key exchange, SHA-256 to SHA-512.
    static let sessionID = 20...64
    /// Bytes of the whole blob; a certificate in it counts besides.
    static let maximumLength = 4096

    let sessionID: [UInt8]

    /// - Throws: ``SignerError`` naming the field that is not what the lease allows.
    init(_ blob: [UInt8], user: String, identity: IdentityKey) throws(SignerError) {
        guard blob.count <= Self.maximumLength + (identity.certificate?.blob.count ?? 0) else {
            throw SignerError("the blob has \(blob.count) bytes")
        }
        var reader = SSHReader(blob)
        guard let sessionID = reader.string(limit: Self.sessionID.upperBound), Self.sessionID.contains(sessionID.count) else {
            throw SignerError("session id")
        }
        guard reader.byte() == 50 else { throw SignerError("message type") }
        guard reader.string(limit: 256) == Array(user.utf8) else { throw SignerError("user") }
        guard reader.string(limit: 64) == Array("ssh-connection".utf8) else { throw SignerError("service") }
        guard reader.string(limit: 64) == Array("publickey".utf8) else { throw SignerError("method") }
        guard reader.byte() == 1 else { throw SignerError("signature flag") }
        guard reader.string(limit: 64) == Array(identity.algorithm.utf8) else { throw SignerError("algorithm") }
        guard reader.string(limit: identity.publicBlob.count) == identity.publicBlob else { throw SignerError("public key") }
        guard reader.isAtEnd else { throw SignerError("trailing bytes") }
        self.sessionID = sessionID
    }
}

/// Why nothing is signed.
struct SignerError: Error, CustomStringConvertible {
    let description: String
    init(_ field: String) { description = "signature refused: \(field)" }
}
