/// Gitea and its relatives sign alike: hex of HMAC-SHA256, each in a header of its own name.
///
/// It is the MAC of the JSON text. With the content type `application/x-www-form-urlencoded` the body is another one, so that no
/// delivery matches: choose JSON. Without a secret they send the header empty, which counts as missing here.
/// Source: services/webhook/deliver.go of Gitea.
extension HMACScheme.Form {
    /// Gitea's signature.
    public static let gitea = Self(
        name: "gitea", title: "Gitea", headers: ["X-Gitea-Signature"], deliveryHeader: "X-Gitea-Delivery")

    /// Forgejo's signature.
    public static let forgejo = Self(
        name: "forgejo", title: "Forgejo", headers: ["X-Forgejo-Signature"], deliveryHeader: "X-Forgejo-Delivery")

    /// Gogs's signature.
    public static let gogs = Self(
        name: "gogs", title: "Gogs", headers: ["X-Gogs-Signature"], deliveryHeader: "X-Gogs-Delivery")
}
