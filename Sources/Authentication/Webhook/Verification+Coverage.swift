extension Verification {
    /// A signature over the body is asked for that leaves something beside it open: whoever captures a delivery can send its body again
    /// with another value there. Not so where a password alone is asked for: whoever captures that can send anything.
    ///
    /// - Parameter header: what is beside the body; nil for what is in no header.
    public func signsBody(without header: String?) -> Bool {
        switch self {
        case .scheme(let scheme): if case .body = scheme.about.covers { !covers(header) } else { false }
        case .all(let parts): parts.contains { $0.signsBody(without: header) } && !covers(header)
        case .any(let parts): parts.contains { $0.signsBody(without: header) }
        }
    }

    /// Nothing gets through whose header is not what its sender signed.
    private func covers(_ header: String?) -> Bool {
        switch self {
        case .scheme(let scheme):
            guard case .body(let id?) = scheme.about.covers, let header else { return false }
            return id.lowercased() == header.lowercased()
        case .all(let parts): return parts.contains { $0.covers(header) }
        case .any(let parts): return parts.allSatisfy { $0.covers(header) }
        }
    }
}
