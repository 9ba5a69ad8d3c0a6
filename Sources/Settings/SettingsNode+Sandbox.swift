extension SettingsNode {
    /// `{minimum-landlock: 6}`: the version of Landlock below which the process does not start; 0 when nothing is said.
    public func minimumLandlock() -> Int { mapping("minimum-landlock").optional("minimum-landlock").int(in: 0...64) ?? 0 }
}
