extension HMACScheme.Form {
    /// Slack's signature: `v0=` and hex of HMAC-SHA256 over `v0:`, the time, `:` and the raw body.
    ///
    /// Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
    public static let slack = Self(
        name: "slack", title: "Slack", headers: ["X-Slack-Signature"], prefix: "v0=",
        signed: SignedTemplate(known: .literal(Array("v0:".utf8)), .timestamp, .literal(Array(":".utf8))),
        timestampHeader: "X-Slack-Request-Timestamp")
}
