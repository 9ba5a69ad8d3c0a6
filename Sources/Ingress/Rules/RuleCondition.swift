internal import JSON
internal import Settings

/// One question about a delivery.
enum RuleCondition: Sendable {
    /// A value of the delivery, for which all comparisons must hold.
    case value(ValueSource, [Comparison])
    /// The request's method is one of these.
    case method([String])
    /// The address that the delivery comes from is in one of these ranges.
    case sourceAddress([IPNetwork])

    /// A value that is missing, null, an array or an object, or a header or query parameter that is there more than once, has no text
    /// to be compared: unknown.
    func verdict(_ delivery: Delivery, _ payload: JSONValue?) -> Verdict {
        switch self {
        case .method(let methods): return Verdict(methods.contains(delivery.method))
        case .sourceAddress(let networks):
            guard let address = delivery.sourceAddress else { return .unknown }
            return Verdict(networks.contains { $0.contains(address) })
        case .value(let source, let comparisons):
            do throws(ValueError) {
                let text = try source.value(in: delivery, payload: payload)
                return .all(comparisons.lazy.map { $0.verdict(text) })
            } catch {
                let isThere = !error.isMissing && !error.isNull
                return .all(comparisons.lazy.map { $0.verdict(without: isThere) })
            }
        }
    }
}

/// What is asked of a value. Text is compared byte for byte.
enum Comparison: Sendable {
    /// Bytes of the longest value that a pattern is tried on: the time for one goes with its length.
    static let maximumPatternInput = 4096

    /// How two numbers are to each other.
    enum Order: String, Sendable, CaseIterable {
        case atLeast = "at-least"
        case atMost = "at-most"
        case above
        case below
    }

    case equals(String)
    case oneOf([String])
    case pattern(AnchoredPattern)
    case exists(Bool)
    case number(Order, DecimalNumber, text: String)

    /// What it says of a text. What is no number is not below and not above one: unknown; so is what is too long for a pattern.
    func verdict(_ text: String) -> Verdict {
        switch self {
        case .equals(let other): return Verdict(Self.same(text, other))
        case .oneOf(let others): return Verdict(others.contains { Self.same(text, $0) })
        case .pattern(let pattern):
            return text.utf8.count <= Self.maximumPatternInput ? Verdict(pattern.matches(text)) : .unknown
        case .exists(let expected): return Verdict(expected)
        case .number(let order, let bound, _):
            guard let number = DecimalNumber(text) else { return .unknown }
            switch order {
            case .atLeast: return Verdict(number >= bound)
            case .atMost: return Verdict(number <= bound)
            case .above: return Verdict(number > bound)
            case .below: return Verdict(number < bound)
            }
        }
    }

    /// What it says when there is no text: something that has none, or nothing.
    func verdict(without isThere: Bool) -> Verdict {
        if case .exists(let expected) = self { Verdict(expected == isThere) } else { .unknown }
    }

    /// Without Unicode's equivalence of `String`.
    private static func same(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
}
