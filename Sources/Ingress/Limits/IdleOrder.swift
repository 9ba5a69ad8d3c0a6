/// Who is idle, in the order in which they became so. Each change costs the same, however many they are: a doubly linked list whose
/// links stand in a dictionary.
struct IdleOrder<ID: Hashable & Sendable>: Sendable {
    private struct Link {
        var before: ID?
        var after: ID?
    }

    private var links: [ID: Link] = [:]
    /// Who has been idle for longest.
    private(set) var oldest: ID?
    private var newest: ID?

    var count: Int { links.count }

    /// It is idle from now on, if it was not.
    mutating func append(_ id: ID) {
        guard links[id] == nil else { return }
        links[id] = Link(before: newest)
        if let newest { links[newest]?.after = id } else { oldest = id }
        newest = id
    }

    /// It is idle no more.
    mutating func remove(_ id: ID) {
        guard let link = links.removeValue(forKey: id) else { return }
        if let before = link.before { links[before]?.after = link.after } else { oldest = link.after }
        if let after = link.after { links[after]?.before = link.before } else { newest = link.before }
    }
}
