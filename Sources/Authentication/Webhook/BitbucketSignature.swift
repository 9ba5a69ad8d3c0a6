extension HMACScheme.Form {
    /// Bitbucket's signature: `sha256=` and hex of HMAC-SHA256 over the raw body, in a header whose name elsewhere means SHA-1.
    ///
    /// Source: https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/#Secure-webhooks
    public static let bitbucket = Self(
        name: "bitbucket", title: "Bitbucket", headers: ["X-Hub-Signature"], prefix: "sha256=", deliveryHeader: "X-Request-UUID")
}
