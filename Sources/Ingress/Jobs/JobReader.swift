internal import Authentication
internal import JSON
internal import NIOHTTP1

/// Whose jobs somebody may read, by the hooks that the jobs came through.
enum JobReader: Sendable, Equatable {
    case all
    case hooks(Set<String>)

    func mayRead(hook: String) -> Bool {
        switch self {
        case .all: true
        case .hooks(let names): names.contains(hook)
        }
    }
}

/// What a token must be that opens the routes about jobs, and which jobs it opens.
struct JobReadRule: Sendable {
    /// Where it is; `Bearer ` before it is passed over (RFC 6750 section 2.1).
    let header: String
    let verifier: TokenVerifier
    /// Hooks whose jobs may be read at all; nil for every one.
    let hooks: Set<String>?
    /// The claim that names the hooks whose jobs this very token may read: a text or a list of texts. Without the claim it reads none.
    let claim: String?

    /// - Throws: the ``Rejection`` for the reader.
    func reader(_ headers: HTTPHeaders, now: Int64) throws(Rejection) -> JobReader {
        let values = headers[header]
        guard values.count <= 1 else { throw .token("header \(header) is there more than once", reason: "repeated") }
        guard let value = values.first, !value.isEmpty else {
            throw .token(
                "header \(header) is missing; it carries the token that `jobs` in the settings asks for", reason: "missing")
        }
        let token = value.prefix(7).lowercased() == "bearer " ? String(value.dropFirst(7)) : value
        let claims: TokenClaims
        do throws(TokenError) {
            claims = try verifier.verify(token, now: now)
        } catch {
            throw .token("token in \(header) is not valid: \(error)", reason: "\(error.code)")
        }
        return Self.reader(hooks, named: claim.map { claims[$0] })
    }

    /// The rule in words, for `check`.
    var summary: String {
        var words = "jobs: GET /jobs/{id} and its events answer whoever has a valid token in \(header)"
        if let hooks { words += ", about jobs of \(hooks.sorted().joined(separator: ", "))" }
        if let claim {
            words += hooks == nil ? ", about jobs of the hooks in its claim \(claim)" : " that its claim \(claim) names"
        }
        return words
    }

    /// What settings and token both allow. `named` is the claim, where the settings ask for one.
    static func reader(_ hooks: Set<String>?, named claim: JSONValue??) -> JobReader {
        guard let claim else { return hooks.map { .hooks($0) } ?? .all }
        let names = Set((claim?.array ?? claim.map { [$0] } ?? []).compactMap(\.string))
        return .hooks(hooks.map { $0.intersection(names) } ?? names)
    }
}
