internal import Glibc

extension SecretBytes {
    /// The key behind a Standard Webhooks secret: `whsec_`, which may be left out, and base64, whose padding may be left out.
    ///
    /// - Throws: ``AuthenticationError`` when it is something else.
    func decodedWebhookSecret() throws(AuthenticationError) -> SecretBytes {
        let decoded: SecretBytes? = unsafe withUnsafeBytes { bytes in
            var text = unsafe Array(bytes)
            defer { Self.wipe(&text) }
            let prefix = Array("whsec_".utf8)
            var padded = Array(text.dropFirst(text.starts(with: prefix) ? prefix.count : 0))
            defer { Self.wipe(&padded) }
            if padded.last != UInt8(ascii: "=") {
                padded += [UInt8](repeating: UInt8(ascii: "="), count: (4 - padded.count % 4) % 4)
            }
            guard var key = Base64.decode(padded), !key.isEmpty else { return nil }
            defer { Self.wipe(&key) }
            return SecretBytes(copying: key)
        }
        guard let decoded else {
            throw AuthenticationError(.badKey, "not a Standard Webhooks secret: expected `whsec_` and base64")
        }
        return decoded
    }

    /// The secret as a text, for a sender that must show it as it is: the one place where a secret leaves its memory.
    ///
    /// - Throws: ``AuthenticationError`` when a header could not carry it.
    func textToSend() throws(AuthenticationError) -> String {
        let text = unsafe withUnsafeBytes { bytes in unsafe String(validating: bytes, as: UTF8.self) }
        guard let text, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw AuthenticationError(.badKey, "the secret has characters that no header can carry")
        }
        return text
    }

    /// Letters, digits, `-`, `.`, `_` and `~` only (RFC 3986 section 2.3).
    var isUnreserved: Bool {
        unsafe withUnsafeBytes { bytes in
            unsafe bytes.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || "-._~".utf8.contains(byte)
            }
        }
    }

    private static func wipe(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe explicit_bzero(start, buffer.count)
        }
    }
}

extension HMACStream {
    /// Adds a secret.
    func update(_ secret: SecretBytes) { unsafe secret.withUnsafeBytes { unsafe update($0) } }
}
