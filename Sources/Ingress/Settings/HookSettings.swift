internal import Authentication
internal import JSON
internal import JobProtocol
internal import NIOCore
internal import Settings

/// Reads one entry of `hooks`.
enum HookSettings {
    /// Bytes of a body: when nothing is said, and at most. GitHub does not deliver more than 25 MB.
    static let bodyLimit = (standard: 1024 * 1024, maximum: 25 * 1024 * 1024)

    static func hook(_ name: String, _ node: SettingsNode) -> Hook? {
        let hook = node.mapping(
            "verify", "token", "job", "parameters", "destination", "event-id", "attempt", "manual-retry", "body", "respond",
            "wait",
            "maximum-body")
        let verification = verification(hook.required("verify"))
        let token = token(hook.optional("token"))
        let job = hook.required("job").name()
        let parameters = hook.optional("parameters").entries().compactMap { entry in source(entry.value).map { (entry.name, $0) }
        }
        if parameters.count > JobLimits.parameters {
            hook.optional("parameters").problem("\(parameters.count) parameters, the limit is \(JobLimits.parameters)")
        }
        let wait = hook.optional("wait").duration(in: .milliseconds(100) ... .seconds(300)) ?? .seconds(25)
        let sendsBody = hook.optional("body").bool() ?? false
        let limit = sendsBody ? JobLimits.body : bodyLimit.maximum
        let maximumBody = hook.optional("maximum-body").byteCount(in: 0...limit) ?? bodyLimit.standard
        let destination = source(hook.optional("destination"))
        let eventID = source(hook.optional("event-id")) ?? .header("x-hookdeck-eventid")
        let attempt = source(hook.optional("attempt")) ?? .header("x-hookdeck-attempt-count")
        let honoursManualRetry = hook.optional("manual-retry").bool() ?? false
        let response = hook.optional("respond").choice(Hook.Response.self) ?? .sync
        guard let job else { return nil }
        return Hook(
            name: name, verification: verification, token: token, job: job, parameters: parameters,
            destination: destination,
            eventID: eventID, attempt: attempt, honoursManualRetry: honoursManualRetry, sendsBody: sendsBody, response: response,
            wait: .milliseconds(wait.components.seconds * 1000 + wait.components.attoseconds / 1_000_000_000_000_000),
            maximumBody: maximumBody)
    }

    /// `none` must be written out; nothing else lets an unsigned delivery through.
    private static func verification(_ node: SettingsNode) -> HookdeckSignature? {
        guard node.isPresent else { return nil }
        guard node.isMapping else {
            if node.string() != "none" {
                node.problem("expected a scheme such as `hookdeck: {secret: …}`, or `none` written out")
            }
            return nil
        }
        let scheme = node.mapping("hookdeck").required("hookdeck")
        guard scheme.isPresent else { return nil }
        let hookdeck = scheme.mapping("secret", "secrets")
        let one = hookdeck.optional("secret")
        let several = hookdeck.optional("secrets")
        if one.isPresent == several.isPresent {
            scheme.problem("write either `secret` or, while one replaces another, `secrets`")
        }
        let secrets = ([one].filter(\.isPresent) + several.elements()).compactMap { $0.secret() }
        guard !secrets.isEmpty else { return nil }
        do throws(AuthenticationError) {
            return try HookdeckSignature(secrets: secrets)
        } catch {
            scheme.problem("\(error)")
            return nil
        }
    }

    private static func token(_ node: SettingsNode) -> Hook.Token? {
        guard node.isPresent else { return nil }
        let token = node.mapping(SettingsNode.tokenKeys + ["header", "forward"])
        let header = token.optional("header").string(maximumLength: 64) ?? "X-Sallyport-Token"
        guard let verifier = node.tokenVerifier(token) else { return nil }
        return Hook.Token(header: header, verifier: verifier, forward: token.optional("forward").bool() ?? false)
    }

    private static func source(_ node: SettingsNode) -> ValueSource? {
        guard node.isPresent else { return nil }
        let kinds = ["payload", "header", "query", "literal"]
        let place = node.isMapping ? node.mapping(kinds) : nil
        let given = kinds.filter { place?.optional($0).isPresent ?? false }
        guard let place, given.count == 1, let kind = given.first else {
            node.problem("expected one of {payload: /pointer}, {header: Name}, {query: name}, {literal: text}")
            return nil
        }
        guard let text = place.optional(kind).text() else { return nil }
        switch kind {
        case "payload":
            do throws(JSONError) {
                return .payload(try JSONPointer(text), text: text)
            } catch {
                place.optional(kind).problem(error.message)
                return nil
            }
        case "header":
            guard isToken(text) else { return place.optional(kind).refused("not a header's name (RFC 9110 section 5.1)") }
            return .header(text)
        case "query":
            guard !text.isEmpty else { return place.optional(kind).refused("a query parameter has a name") }
            return .query(text)
        default: return .literal(text)
        }
    }

    /// RFC 9110 section 5.6.2.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
    }
}
