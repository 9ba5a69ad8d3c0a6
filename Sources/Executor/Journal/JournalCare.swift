internal import Settings

/// Looks after the journal from outside the executor, which is sealed and makes no file: beside one that serves, or while none does.
public struct JournalCare: Sendable {
    private let keeper: any JournalKeeper

    /// Opens the journal of an executor's settings, to read only. Of the settings nothing else is looked at.
    ///
    /// - Throws: `SettingsProblems` when they do not say where it is; ``JournalCareError`` when it cannot be opened.
    public init(configuration file: String) throws {
        let source = try SettingsFile(path: file)
        let journal = JournalSettings(source.root.mapping(ExecutorSettings.keys).required("journal"))
        try source.finish()
        keeper = try journal.store.keeper()
    }

    /// Reads all of it and says what is there.
    ///
    /// - Throws: ``JournalCareError`` naming what is broken.
    public func check() throws(JournalCareError) -> [String] { try keeper.check() }

    /// Writes a complete copy as of now, durable on return.
    ///
    /// - Throws: ``JournalCareError`` when it cannot be written, or a file of that name is there already.
    public func backup(to copy: String) throws(JournalCareError) { try keeper.backup(to: copy) }
}

/// What ``JournalCare`` does to one kind of store.
protocol JournalKeeper: Sendable {
    func check() throws(JournalCareError) -> [String]
    func backup(to copy: String) throws(JournalCareError)
}

/// What stands in the way of looking after the journal.
public struct JournalCareError: Error, CustomStringConvertible {
    /// Names the journal and the step.
    public let description: String

    init(_ description: String) { self.description = description }
}
