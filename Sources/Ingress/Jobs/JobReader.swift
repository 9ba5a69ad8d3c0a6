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
    /// Where it is: a header.
    let place: TokenPlace
    let verifier: TokenVerifier
    /// Hooks whose jobs may be read at all; nil for every one.
    let hooks: Set<String>?
    /// The claim that names the hooks whose jobs this very token may read: a text or a list of texts. Without the claim it reads none.
    let claim: String?

    /// - Throws: the ``Rejection`` for the reader.
    func reader(_ headers: HTTPHeaders, now: Int64) throws(Rejection) -> JobReader {
        guard let token = try place.text(in: headers, payload: nil) else {
            throw .token("no token in \(place), where `jobs` in the settings asks for one", reason: "missing")
        }
        let claims: TokenClaims
        do throws(TokenError) {
            claims = try verifier.verify(token, now: now)
        } catch {
            throw .token("token in \(place) is not valid: \(error)", reason: error.code.rawValue)
        }
        return Self.reader(hooks, named: claim.map { claims[$0] })
    }

    /// The rule in words, for `check`.
    var summary: String {
        var words = "jobs: GET /jobs/{id} and its events answer whoever has a valid token in \(place)"
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
