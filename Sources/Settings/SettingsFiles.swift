internal import Authentication

/// The files that settings are made of.
public enum SettingsFiles {
    /// Reads settings, and says which files that took: the settings file itself, and the secrets, keys and lists it names.
    public static func read<T>(_ read: () throws -> T) rethrows -> (settings: T, paths: [String]) {
        let view = FileView()
        let settings = try FileView.$current.withValue(view, operation: read)
        return (settings, Set(view.entries.map(\.path)).sorted())
    }
}
