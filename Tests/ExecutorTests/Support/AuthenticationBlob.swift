import Authentication

/// What a client signs to log in with a public key (RFC 4252 section 7), field by field so that each may be wrong.
struct AuthenticationBlob {
    var session = [UInt8](repeating: 9, count: 32)
    var type: UInt8 = 50
    var user = "deploy"
    var service = "ssh-connection"
    var method = "publickey"
    var flag: UInt8 = 1
    var algorithm: String
    var key: [UInt8]

    init(_ identity: IdentityKey) {
        algorithm = identity.algorithm
        key = identity.publicBlob
    }

    var bytes: [UInt8] {
        string(session) + [type] + string(user.utf8) + string(service.utf8) + string(method.utf8) + [flag]
            + string(algorithm.utf8) + string(key)
    }

    private func string(_ value: some Collection<UInt8>) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value.count >> $0) } + Array(value)
    }
}
