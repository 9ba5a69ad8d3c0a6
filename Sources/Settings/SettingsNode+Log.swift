public import Logging

extension SettingsNode {
    /// `{level: debug}`: the level below which nothing is written to the log; `info` when nothing is said.
    public func logLevel() -> Logger.Level { mapping("level").optional("level").choice(Logger.Level.self) ?? .info }
}
