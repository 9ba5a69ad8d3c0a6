internal import Authentication
internal import JSON
internal import Settings

/// Reads `token` of a hook.
extension HookSettings {
    /// Where a token is looked for when nothing is said.
    static let tokenHeader = "X-Sallyport-Token"

    /// How `Authorization` may carry a token.
    private enum Scheme: String, CaseIterable { case bearer }

    /// `body` is the hook's setting of that name.
    static func token(_ node: SettingsNode, isBodySent body: SettingsNode) -> Hook.Token? {
        guard node.isPresent else { return nil }
        let token = node.mapping(SettingsNode.tokenKeys + ["header", "authorization", "payload", "once", "forward"])
        let places = tokenPlaces(token)
        let verifier = node.tokenVerifier(token)
        let once = token.optional("once").bool() ?? false
        let forward = token.optional("forward").bool() ?? false
        guard let verifier, let places else { return nil }
        if places.contains(where: \.isPayload) {
            let place = token.optional("payload")
            if verifier.issuers.contains(where: \.requirements.bindsBody) {
                place.problem("a token that is in the body cannot hold the body's digest; leave out `binds-body` or use a header")
            }
            if body.bool() == true {
                place.problem("with `body: true` the token would reach the command on its standard input; use a header")
            }
        }
        return Hook.Token(places: places, verifier: verifier, once: once, forward: forward)
    }

    private static func tokenPlaces(_ token: SettingsMapping) -> [TokenPlace]? {
        let (header, authorization, payload) = (
            token.optional("header"), token.optional("authorization"), token.optional("payload")
        )
        var places: [TokenPlace?] = []
        if header.isPresent { places.append(tokenHeader(header)) }
        if authorization.isPresent { places.append(authorization.choice(Scheme.self).map { _ in .authorization }) }
        if payload.isPresent { places.append(tokenPointer(payload)) }
        if places.isEmpty { return [.header(tokenHeader)] }
        return places.contains { $0 == nil } ? nil : places.compactMap { $0 }
    }

    /// - Parameter isEither: `Authorization` may be named here; in a hook it has a key of its own.
    static func tokenHeader(_ node: SettingsNode, orAuthorization isEither: Bool = false) -> TokenPlace? {
        guard let name = node.string(maximumLength: 64) else { return nil }
        guard HeaderToken.isToken(name) else { return node.refused("not a header's name (RFC 9110 section 5.1)") }
        guard name.lowercased() != "authorization" else {
            return isEither ? .authorization : node.refused("write `authorization: bearer` instead")
        }
        return .header(name)
    }

    private static func tokenPointer(_ node: SettingsNode) -> TokenPlace? {
        guard let text = node.string() else { return nil }
        do throws(JSONError) {
            return .payload(try JSONPointer(text), text: text)
        } catch {
            return node.refused(error.message)
        }
    }
}
