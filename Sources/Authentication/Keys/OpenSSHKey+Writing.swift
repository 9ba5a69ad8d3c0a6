internal import COpenSSL

extension OpenSSHKey {
    private static let begin = Array("-----BEGIN OPENSSH PRIVATE KEY-----\n".utf8)
    private static let end = Array("-----END OPENSSH PRIVATE KEY-----\n".utf8)
    /// Bytes in one line of the armour, which are 64 characters.
    private static let line = 48

    /// An Ed25519 key in this form, without passphrase. All of it but the seed is public.
    static func write(_ key: KeyHandle, comment: String) throws(AuthenticationError) -> SecretBytes {
        let point = try key.rawPublicKey()
        let check = Random.bytes(4)
        var publicBlob = SSHWriter()
        publicBlob.string("ssh-ed25519".utf8)
        publicBlob.string(point)
        var tail = SSHWriter()
        tail.string(comment.utf8)
        // Two checks, the public half, and the length of a pair, which is the seed and the public half once more.
        let inner = 2 * check.count + publicBlob.bytes.count + 4 + 64 + tail.bytes.count
        let padding = (0..<(8 - inner % 8) % 8).map { UInt8($0 + 1) }
        var head = SSHWriter()
        for text in ["none", "none", ""] { head.string(text.utf8) }
        head.uint32(1)
        head.string(publicBlob.bytes)
        head.uint32(UInt32(inner + padding.count))
        var pair = SSHWriter()
        pair.uint32(64)
        let before = magic + head.bytes + check + check + publicBlob.bytes + pair.bytes
        let after = point + tail.bytes + padding
        var seed = 32
        var isWritten: Int32 = 0
        let body = unsafe SecretBytes(count: before.count + seed + after.count) { out in
            unsafe out.copyBytes(from: before)
            let place = unsafe out.bindMemory(to: UInt8.self).baseAddress?.advanced(by: before.count)
            unsafe isWritten = key.withKey { unsafe EVP_PKEY_get_raw_private_key($0, place, &seed) }
            unsafe UnsafeMutableRawBufferPointer(rebasing: out[(before.count + 32)...]).copyBytes(from: after)
        }
        guard isWritten == 1, seed == 32 else { throw .library("write private key") }
        return armoured(body)
    }

    private static func armoured(_ body: SecretBytes) -> SecretBytes {
        let lines = (body.count + line - 1) / line
        let count = begin.count + (body.count + 2) / 3 * 4 + lines + end.count
        return unsafe SecretBytes(count: count) { out in
            unsafe out.copyBytes(from: begin)
            var place = begin.count
            unsafe body.withUnsafeBytes { bytes in
                for start in stride(from: 0, to: bytes.count, by: line) {
                    let piece = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + line, bytes.count)])
                    // Ends with a zero, which becomes the end of the line.
                    place += Int(
                        unsafe EVP_EncodeBlock(
                            out.bindMemory(to: UInt8.self).baseAddress?.advanced(by: place),
                            piece.bindMemory(to: UInt8.self).baseAddress, Int32(piece.count)))
                    unsafe out[place] = 0x0a
                    place += 1
                }
            }
            unsafe UnsafeMutableRawBufferPointer(rebasing: out[place...]).copyBytes(from: end)
        }
    }
}
