internal import COpenSSL

/// ECDSA signatures: the concatenation r‖s of RFC 7518 section 3.4, and the DER form that OpenSSL works on.
enum ECDSASignature {
    static func der(fromConcatenated signature: [UInt8]) -> [UInt8]? {
        let half = signature.count / 2
        guard let value = unsafe ECDSA_SIG_new() else { return nil }
        defer {
            unsafe ECDSA_SIG_free(value)
            ERR_clear_error()
        }
        let r = unsafe BN_bin2bn(Array(signature[..<half]), Int32(half), nil)
        let s = unsafe BN_bin2bn(Array(signature[half...]), Int32(half), nil)
        guard unsafe ECDSA_SIG_set0(value, r, s) == 1 else {
            unsafe BN_free(r)
            unsafe BN_free(s)
            return nil
        }
        var der: UnsafeMutablePointer<UInt8>?
        let length = unsafe i2d_ECDSA_SIG(value, &der)
        guard length > 0, let bytes = unsafe der else { return nil }
        defer { unsafe CRYPTO_free(bytes, "", 0) }
        return unsafe Array(UnsafeBufferPointer(start: bytes, count: Int(length)))
    }

    /// r and s of a DER signature, each padded to `bytes`; nil when it is none.
    static func parts(fromDER der: [UInt8], bytes: Int) -> (r: [UInt8], s: [UInt8])? {
        unsafe der.withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            defer { ERR_clear_error() }
            guard let value = unsafe d2i_ECDSA_SIG(nil, &cursor, buffer.count) else { return nil }
            defer { unsafe ECDSA_SIG_free(value) }
            var r = [UInt8](repeating: 0, count: bytes)
            var s = [UInt8](repeating: 0, count: bytes)
            guard unsafe BN_bn2binpad(ECDSA_SIG_get0_r(value), &r, Int32(bytes)) == bytes,
                unsafe BN_bn2binpad(ECDSA_SIG_get0_s(value), &s, Int32(bytes)) == bytes
            else { return nil }
            return (r, s)
        }
    }
}
