extension HMACScheme.Form {
    /// GitHub's signature: `sha256=` and hex of HMAC-SHA256 over the raw body. The older `X-Hub-Signature` (SHA-1) is not looked at.
    ///
    /// Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    public static let github = Self(
        name: "github", title: "GitHub", headers: ["X-Hub-Signature-256"], prefix: "sha256=", deliveryHeader: "X-GitHub-Delivery")
}
