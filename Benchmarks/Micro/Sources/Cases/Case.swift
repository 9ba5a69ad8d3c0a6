/// One step of what a gate or a worker computes, to be measured over and over.
public struct Case: Sendable {
    /// How it is run. What it needs is prepared once; a run fails where the step does not come to what it should.
    public enum Kind: Sendable {
        case plain(@Sendable () throws -> @Sendable () throws -> Void)
        /// One that waits for the disk, in a folder of that path.
        case waiting(@Sendable (_ folder: String) async throws -> @Sendable () async throws -> Void)
    }

    /// What the tables and the baseline call it.
    public let name: String
    /// Runs over which instructions are counted: some millions of them in all.
    public let counted: Int
    /// How it is run.
    public let kind: Kind

    init(_ name: String, counted: Int, _ prepare: @escaping @Sendable () throws -> @Sendable () throws -> Void) {
        self.init(name: name, counted: counted, kind: .plain(prepare))
    }

    private init(name: String, counted: Int, kind: Kind) {
        self.name = name
        self.counted = counted
        self.kind = kind
    }

    static func waiting(
        _ name: String, counted: Int, _ prepare: @escaping @Sendable (String) async throws -> @Sendable () async throws -> Void
    ) -> Case {
        Case(name: name, counted: counted, kind: .waiting(prepare))
    }

    /// All of them, in the order of the tables.
    public static let all = signatures + tokens + envelopes + documents + commands + operations + journal
}

/// The step did not come to what it should: what was measured is something else.
struct Unexpected: Error {
    let what: String
    init(_ what: String) { self.what = what }
}

/// The optimiser must take `value` for used.
@inline(never) @_optimize(none)
func use<T>(_ value: T) {}
