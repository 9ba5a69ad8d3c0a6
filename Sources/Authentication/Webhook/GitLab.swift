/// GitLab's two ways. The signing token (GitLab 19.0) is Standard Webhooks; the older secret token is sent with each delivery as it is.
///
/// A hook has the one or the other: with both, who knows the older one could leave the signature out.
/// Source: https://docs.gitlab.com/user/project/integrations/webhooks/
extension StandardWebhooks.Dialect {
    /// GitLab's signing token.
    public static let gitlab = Self(
        name: "gitlab", title: "GitLab's signature", challenge: "GitLab-Signature", prefix: "webhook")
}

extension SharedToken.Form {
    /// GitLab's secret token.
    public static let gitlab = Self(
        name: "gitlab", summary: "GitLab's secret token in X-Gitlab-Token", challenge: "GitLab-Token", header: "X-Gitlab-Token",
        deliveryHeader: "X-Gitlab-Event-UUID")
}
