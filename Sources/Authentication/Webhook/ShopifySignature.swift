extension HMACScheme.Form {
    /// Shopify's signature: base64 of HMAC-SHA256 over the raw body.
    ///
    /// Source: https://shopify.dev/docs/apps/build/webhooks/subscribe/https#step-2-validate-the-origin-of-your-webhook
    public static let shopify = Self(
        name: "shopify", title: "Shopify", headers: ["X-Shopify-Hmac-SHA256"], encoding: .base64,
        deliveryHeader: "X-Shopify-Webhook-Id")
}
