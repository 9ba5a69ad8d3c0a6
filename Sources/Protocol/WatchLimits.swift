/// Limits on what an ingress may ask about jobs, and on what it is told. Both sides keep them; past one the connection ends.
public enum WatchLimits {
    /// Watches open on one connection.
    public static let watches = 512
    /// Credit that one watch may have at once: what output may be on its way to it, each piece at its ``cost(ofBytes:)``.
    public static let window = 64 * 1024

    /// What a piece of output takes of the credit: more than its bytes, so that nobody has to keep many tiny ones.
    public static func cost(ofBytes count: Int) -> Int { count + overhead }
    /// What a piece costs beside its bytes.
    public static let overhead = 64
}
