internal import COpenSSL
internal import Glibc

/// OpenSSH's own form of a private key, `openssh-key-v1`, without passphrase. Parsed completely; whatever does not fit is
/// refused.
///
/// Source: PROTOCOL.key of OpenSSH.
enum OpenSSHKey {
    static let magic = Array("openssh-key-v1\0".utf8)
    /// Bytes of the longest field that a supported key has.
    private static let fieldLimit = 8 * 1024

    static func read(_ file: SecretBytes, origin: String) throws(AuthenticationError) -> KeyHandle {
        let bytes = try decode(file, origin: origin)
        return try unsafe bytes.withUnsafeBytes { buffer throws(AuthenticationError) in
            var reader = unsafe WipingReader(buffer)
            guard unsafe reader.take(magic.count).map({ unsafe Array($0) }) == magic, let cipher = unsafe reader.text(),
                let kdf = unsafe reader.text(),
                unsafe reader.string() != nil, let count = unsafe reader.uint32()
            else { throw broken(origin) }
            guard cipher == "none", kdf == "none" else {
                throw AuthenticationError(
                    .notSupported,
                    "\(origin): the key has a passphrase; make a copy without: cp KEY COPY && ssh-keygen -p -N '' -f COPY")
            }
            guard count == 1, let publicBlob = unsafe reader.string(), let secret = unsafe reader.string(), unsafe reader.isAtEnd
            else { throw broken(origin) }
            return try unsafe key(secret, publicBlob: Array(publicBlob), origin: origin)
        }
    }

    private static func key(
        _ section: UnsafeRawBufferPointer, publicBlob: [UInt8], origin: String
    ) throws(AuthenticationError) -> KeyHandle {
        var reader = unsafe WipingReader(section)
        guard let first = unsafe reader.uint32(), let second = unsafe reader.uint32(), first == second,
            let type = unsafe reader.text()
        else {
            throw broken(origin)
        }
        let handle: KeyHandle
        if type == "ssh-ed25519" {
            guard let point = unsafe reader.string(), let pair = unsafe reader.string(), point.count == 32, pair.count == 64,
                unsafe Array(pair[32...]) == Array(point)
            else { throw broken(origin) }
            do throws(AuthenticationError) {
                handle = try unsafe KeyData.ed25519(seed: UnsafeRawBufferPointer(rebasing: pair[..<32]), publicKey: Array(point))
            } catch {
                throw broken(origin)
            }
        } else if let curve = SSHCurve.all.first(where: { type == "ecdsa-sha2-\($0.name)" }) {
            guard unsafe reader.text() == curve.name, let point = unsafe reader.string(), let scalar = unsafe reader.string(),
                unsafe !scalar.isEmpty, scalar.count <= curve.bytes + 1
            else { throw broken(origin) }
            let secret = unsafe SecretBytes(copying: scalar)
            do throws(AuthenticationError) {
                handle = try unsafe KeyData.ellipticCurve(group: curve.openSSL, point: Array(point), secret: secret)
            } catch {
                throw broken(origin)
            }
        } else {
            throw AuthenticationError(
                .notSupported,
                "\(origin): a key of type \(type.prefix(40)), which is not supported; make one: ssh-keygen -t ed25519")
        }
        guard unsafe reader.text() != nil, unsafe reader.isPadding else { throw broken(origin) }
        try check(publicBlob, isThatOf: handle, origin: origin)
        return handle
    }

    /// The private half must be that of the public half in front of it.
    private static func check(
        _ publicBlob: [UInt8], isThatOf handle: KeyHandle, origin: String
    ) throws(AuthenticationError) {
        var point = SSHReader(publicBlob)
        guard let type = point.text(limit: 64) else { throw broken(origin) }
        if type != "ssh-ed25519" { guard point.text(limit: 64) != nil else { throw broken(origin) } }
        guard let expected = point.string(limit: 256), point.isAtEnd else { throw broken(origin) }
        var actual = [UInt8](repeating: 0, count: 256)
        var length = 0
        guard unsafe handle.withKey({ unsafe EVP_PKEY_get_octet_string_param($0, "pub", &actual, actual.count, &length) }) == 1,
            Array(actual.prefix(length)) == expected
        else { throw broken(origin) }
    }

    /// The base64 between the lines of the armour, into memory of its own. In one piece: OpenSSL's decoder of several keeps the last one.
    private static func decode(_ file: SecretBytes, origin: String) throws(AuthenticationError) -> SecretBytes {
        var length = 0
        let text = unsafe file.withUnsafeBytes { text in
            unsafe SecretBytes(count: text.count) { out in
                let lines = unsafe text.split(separator: 0x0a).map { unsafe $0.last == 0x0d ? $0.dropLast() : $0 }
                let body = unsafe lines.dropFirst().prefix { unsafe !$0.starts(with: Array("-----END".utf8)) }
                for index in unsafe body.indices {
                    let line = unsafe UnsafeRawBufferPointer(rebasing: body[index])
                    unsafe UnsafeMutableRawBufferPointer(rebasing: out[length...]).copyMemory(from: line)
                    length += line.count
                }
            }
        }
        let padding = unsafe text.withUnsafeBytes { unsafe $0[..<length].suffix(2).filter { $0 == UInt8(ascii: "=") }.count }
        guard length > 0, length % 4 == 0 else { throw broken(origin) }
        var decoded: Int32 = 0
        let bytes = unsafe SecretBytes(count: length / 4 * 3) { out in
            unsafe text.withUnsafeBytes {
                unsafe decoded = EVP_DecodeBlock(
                    out.bindMemory(to: UInt8.self).baseAddress, $0.bindMemory(to: UInt8.self).baseAddress, Int32(length))
            }
        }
        guard decoded == length / 4 * 3 else { throw broken(origin) }
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe SecretBytes(copying: UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - padding)]))
        }
    }

    private static func broken(_ origin: String) -> AuthenticationError {
        AuthenticationError(.badKey, "\(origin): the key file is damaged; its public half is shown by: ssh-keygen -y -f KEY")
    }
}

/// As ``SSHReader``, on memory that is lent: secret fields are never copied.
@unsafe private struct WipingReader {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { unsafe rest = unsafe bytes }

    var isAtEnd: Bool { unsafe rest.isEmpty }

    /// What is left is 1, 2, 3 … and less than a block.
    var isPadding: Bool { unsafe rest.count < 8 && rest.enumerated().allSatisfy { $0.element == UInt8($0.offset + 1) } }

    mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, unsafe count <= rest.count else { return nil }
        let piece = unsafe UnsafeRawBufferPointer(rebasing: rest[..<count])
        unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[count...])
        return unsafe piece
    }

    mutating func uint32() -> UInt32? { unsafe take(4)?.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }

    mutating func string() -> UnsafeRawBufferPointer? {
        guard let length = unsafe uint32(), length <= 8 * 1024 else { return nil }
        return unsafe take(Int(length))
    }

    mutating func text() -> String? { unsafe string().flatMap { unsafe String(validating: $0, as: UTF8.self) } }
}
