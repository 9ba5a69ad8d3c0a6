import COpenSSL
import Foundation

/// The signature of a delivery, computed by OpenSSL itself and not by the code under test.
public enum HookdeckSignature {
    /// Base64 of HMAC-SHA256 over the body's bytes, under the secret as it was issued.
    public static func sign(_ body: [UInt8], secret: String) -> String {
        var mac = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        let key = Array(secret.utf8)
        HMAC(EVP_sha256(), key, Int32(key.count), body, body.count, &mac, &length)
        return Data(mac.prefix(Int(length))).base64EncodedString()
    }
}
