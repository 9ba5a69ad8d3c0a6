internal import JSON
internal import JobProtocol
internal import Settings

/// Reads the `parameters` of a job.
enum ParameterSettings {
    private static let common = ["type", "default", "maximum-length", "payload"]

    /// What each type is described by.
    private static func keys(_ type: ParameterType.Name) -> [String] {
        switch type {
        case .pattern: ["pattern"]
        case .choice: ["values"]
        case .integer: ["minimum", "maximum"]
        case .boolean: []
        case .path: ["root"]
        case .url: ["hosts", "schemes"]
        }
    }

    static func parameters(_ node: SettingsNode) -> [String: JobPolicy.Parameter] {
        var parameters: [String: JobPolicy.Parameter] = [:]
        for (name, value) in node.entries() { parameters[name] = parameter(value) }
        return parameters
    }

    private static func parameter(_ node: SettingsNode) -> JobPolicy.Parameter? {
        let rule = node.mapping(common + ParameterType.Name.allCases.flatMap(keys))
        let typeNode = rule.optional("type")
        let chosen = typeNode.choice(ParameterType.Name.self)
        guard chosen != nil || !typeNode.isPresent else { return nil }
        // Without a word it is a pattern.
        let name = chosen ?? .pattern
        for other in ParameterType.Name.allCases where other != name {
            for key in keys(other) where rule.optional(key).isPresent {
                rule.optional(key).problem("not for `type: \(name.rawValue)`, but for `type: \(other.rawValue)`")
            }
        }
        guard let type = type(name, rule) else { return nil }
        let maximumLength = rule.optional("maximum-length").int(in: 1...JobLimits.parameterValue) ?? 256
        let place = rule.optional("default")
        let fallback = place.isPresent ? place.text() : nil
        if let fallback {
            if fallback.utf8.count > maximumLength {
                place.problem("the default has \(fallback.utf8.count) bytes, `maximum-length` is \(maximumLength)")
            }
            do throws(ParameterError) {
                _ = try type.accepted(fallback)
            } catch {
                place.problem("the default \(error.message)")
            }
        }
        return JobPolicy.Parameter(
            type: type, fallback: fallback, maximumLength: maximumLength, place: signed(rule.optional("payload")))
    }

    /// Where the parameter stands in the signed body.
    private static func signed(_ node: SettingsNode) -> JobPolicy.Parameter.Place? {
        guard node.isPresent, let text = node.text(maximumLength: 1024) else { return nil }
        do throws(JSONError) {
            return JobPolicy.Parameter.Place(pointer: try JSONPointer(text), text: text)
        } catch {
            return node.refused(error.message)
        }
    }

    private static func type(_ name: ParameterType.Name, _ rule: SettingsMapping) -> ParameterType? {
        switch name {
        case .pattern: return pattern(rule.required("pattern"))
        case .choice:
            let values = rule.required("values")
            let list = values.elements().compactMap { $0.text(maximumLength: JobLimits.parameterValue) }
            if list.isEmpty, values.isPresent { values.problem("at least one value is needed") }
            if list.count > maximumValues { values.problem("\(list.count) values, the limit is \(maximumValues)") }
            return .choice(list)
        case .integer:
            let (low, high) = (rule.required("minimum").int(in: integers), rule.required("maximum").int(in: integers))
            guard let low, let high else { return nil }
            guard low <= high else { return rule.node.refused("`minimum` is more than `maximum`") }
            return .integer(low...high)
        case .boolean: return .boolean
        case .path:
            let place = rule.required("root")
            guard let root = place.string() else { return nil }
            do throws(ParameterError) {
                return .path(try PathRule(root: root))
            } catch {
                return place.refused(error.message)
            }
        case .url: return url(rule)
        }
    }

    /// Values of a choice.
    private static let maximumValues = 256
    private static let integers = -1_000_000_000_000_000...1_000_000_000_000_000

    private static func pattern(_ place: SettingsNode) -> ParameterType? {
        guard let text = place.string(maximumLength: AnchoredPattern.maximumLength) else { return nil }
        do throws(PatternError) {
            return .pattern(try AnchoredPattern(text))
        } catch {
            return place.refused("\(error)")
        }
    }

    private static func url(_ rule: SettingsMapping) -> ParameterType? {
        let (place, schemesPlace) = (rule.required("hosts"), rule.optional("schemes"))
        let hosts = place.strings(maximum: maximumValues)
        if hosts.isEmpty, place.isPresent { place.problem("at least one host is needed") }
        for host in hosts where !URLRule.isEntry(host) {
            place.problem("expected hosts such as example.com, example.com:8443 or *.example.com, in lower case")
        }
        let schemes = schemesPlace.strings(maximum: 2)
        for scheme in schemes where !["https", "http"].contains(scheme) { schemesPlace.problem("expected https or http") }
        return .url(URLRule(schemes: schemes.isEmpty ? ["https"] : schemes, hosts: hosts))
    }
}
