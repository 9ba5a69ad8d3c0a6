extension HMACScheme.Form {
    /// Hookdeck's signature of a delivery that it forwards: base64 of HMAC-SHA256 over the raw body, keyed with the secret as issued.
    ///
    /// It covers the body alone: no path, no event id, no attempt, no time. While a secret is rolled, the second header has the MAC under
    /// the previous one. Source: https://hookdeck.com/docs/authentication#hookdeck-webhook-signature-verification
    public static let hookdeck = Self(
        name: "hookdeck", title: "Hookdeck", headers: ["X-Hookdeck-Signature", "X-Hookdeck-Signature-2"], encoding: .base64)
}
