/// Hookdeck's signature of a delivery: base64 of HMAC-SHA256 over the raw body, keyed with the secret exactly as issued.
///
/// It covers the body alone: no path, no event id, no attempt, no time. Several secrets are tried, for rotation.
/// Source: https://hookdeck.com/docs/authentication#hookdeck-webhook-signature-verification
public struct HookdeckSignature: Sendable {
    private let keys: [HMACKey]

    /// - Throws: ``AuthenticationError`` when there is no secret or an empty one.
    public init(secrets: [SecretBytes]) throws(AuthenticationError) {
        guard !secrets.isEmpty else { throw AuthenticationError(.emptySecret, "no secret to verify Hookdeck's signature with") }
        var keys: [HMACKey] = []
        for secret in secrets { keys.append(try HMACKey(secret, hash: .sha256)) }
        self.keys = keys
    }

    /// Starts to verify one delivery.
    public func begin() -> HookdeckVerification { HookdeckVerification(keys.map { $0.begin() }) }

    /// The header value Hookdeck would send for `body`, under the first secret.
    public func sign(_ body: [UInt8]) -> String { keys.first.map { Base64.encode($0.code(for: body)) } ?? "" }
}

/// One delivery's verification, fed with the body as it arrives.
public final class HookdeckVerification {
    /// What came of it.
    public enum Verdict: Sendable, Equatable {
        case valid
        /// Neither header is there, or both are empty.
        case missing
        /// A header repeats, or is not base64 of 32 bytes.
        case malformed
        case mismatch
    }

    private let streams: [HMACStream]

    fileprivate init(_ streams: [HMACStream]) { self.streams = streams }

    /// Adds bytes of the raw body.
    public func update(_ bytes: some Collection<UInt8>) {
        for stream in streams { stream.update(bytes) }
    }

    /// The verdict, from all values of `x-hookdeck-signature` and `x-hookdeck-signature-2`. Call once.
    ///
    /// Every signature is compared with the code of every secret, always.
    public func finish(signatures: [String], secondary: [String]) -> Verdict {
        guard signatures.count <= 1, secondary.count <= 1 else { return .malformed }
        let offered = (signatures + secondary).map { $0.trimmedOfBlanks }.filter { !$0.isEmpty }
        guard !offered.isEmpty else { return .missing }
        var decoded: [[UInt8]] = []
        for text in offered {
            guard text.count == 44, let code = Base64.decode(text), code.count == SHA256.byteCount else { return .malformed }
            decoded.append(code)
        }
        var matches = 0
        for code in streams.map({ $0.finish() }) {
            for offer in decoded where ConstantTime.equal(code, offer) { matches += 1 }
        }
        return matches > 0 ? .valid : .mismatch
    }
}

extension String {
    /// The bytes without optional white space around them (RFC 9110 section 5.6.3).
    fileprivate var trimmedOfBlanks: ArraySlice<UInt8> {
        var bytes = Array(utf8)[...]
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return bytes
    }
}
