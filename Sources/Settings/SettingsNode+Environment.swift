internal import Glibc

/// What differs between processes that have one settings file.
extension SettingsNode {
    /// A text as it stands, or `{env: NAME}`: that of a variable, which stays in the environment, so that a reload finds it again. No secret.
    public func textOrVariable(maximumLength: Int = 4096) -> String? {
        guard isMapping else { return string(maximumLength: maximumLength) }
        guard let name = mapping("env").required("env").string(maximumLength: 128) else { return nil }
        guard let value = unsafe getenv(name).map({ unsafe String(cString: $0) }), !value.isEmpty else {
            return refused("environment variable \(name) is not set, or empty")
        }
        // The value is not repeated: it may be a secret whose name was written here by mistake.
        guard value.utf8.count <= maximumLength else {
            return refused("environment variable \(name) has \(value.utf8.count) bytes, the limit is \(maximumLength)")
        }
        return value
    }
}
