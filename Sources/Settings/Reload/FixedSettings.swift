/// What a reload cannot bring in, because sockets are made and the process is sealed at start only.
///
/// Everything is fixed that is not known to be changeable: a new part of the settings is safe without a word here.
public struct FixedSettings: Sendable, Equatable {
    /// Canonical text by key.
    private let parts: [String: String]

    /// Parts by the keys that name them, each as `SettingsNode.canonicalText`.
    public init(_ parts: [String: String]) { self.parts = parts }

    /// The keys whose values differ, in order.
    public func differences(from other: FixedSettings) -> [String] {
        Set(parts.keys).union(other.parts.keys).filter { parts[$0] != other.parts[$0] }.sorted()
    }
}
