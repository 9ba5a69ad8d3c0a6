/// From a source to a destination, as a connection says.
public struct HookdeckConnection: Sendable {
    /// How many deliveries the destination takes.
    public enum Limit: Sendable {
        case concurrent(Int)
        /// So many begun within so many seconds.
        case rate(Int, per: Double)
    }

    let name: String
    let source: String
    let destination: String
    let port: Int
    let path: String
    let limit: Limit?
    let retry: RetryRule?
    let filter: FilterRule?
    let transformation: Transformation?

    /// To `http://127.0.0.1:port/path`.
    public init(
        name: String = "deploy", source: String = "github", destination: String = "ingress", port: Int, path: String,
        limit: Limit? = nil, retry: RetryRule? = nil, filter: FilterRule? = nil, transformation: Transformation? = nil
    ) {
        self.name = name
        self.source = source
        self.destination = destination
        self.port = port
        self.path = path
        self.limit = limit
        self.retry = retry
        self.filter = filter
        self.transformation = transformation
    }
}
