internal import Authentication
internal import NIOHTTP1

/// Which hook a path asks for, `/hooks/{name}` or `/hooks/{name}/{secret}`. The path of a hook may hold a secret: it is never logged.
struct HookRoute {
    static let prefix = "/hooks/"

    let name: String
    /// What stands behind the name, even when that is nothing; nil without a second slash.
    let secret: String?

    /// Nil when it is not a hook's path.
    init?(_ path: Substring) {
        guard path.hasPrefix(Self.prefix) else { return nil }
        let rest = path.dropFirst(Self.prefix.count)
        guard let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")) else {
            name = String(rest)
            secret = nil
            return
        }
        name = String(rest[..<slash])
        secret = String(rest[rest.utf8.index(after: slash)...])
    }
}

/// What schemes see of a request.
struct RequestHeadView: DeliveryHead {
    private let head: HTTPRequestHead
    let clientCertificate: ClientCertificate?

    init(_ head: HTTPRequestHead, client: ClientCertificate? = nil) {
        self.head = head
        clientCertificate = client
    }

    func values(of header: String) -> [String] { head.headers[header] }
    // Few hooks ask for it, so it is looked for when one does.
    var pathSecret: String? { HookRoute(RequestTarget.path(head.uri))?.secret }
}
