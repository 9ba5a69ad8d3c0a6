import Foundation
import JSON
import TestSupport

/// A connection's retry rule, in the form of Hookdeck's API.
public struct RetryRule: Sendable {
    /// Of the automatic ones.
    public let count: Int
    let interval: Double
    let isExponential: Bool
    let codes: [StatusExpression]?

    /// `{"type":"retry","strategy":…,"interval":ms,"count":n,"response_status_codes":[…]}`.
    public init(_ rule: JSONValue) throws {
        guard rule["type"]?.string == "retry", let strategy = rule["strategy"]?.string,
            ["linear", "exponential"].contains(strategy),
            let interval = rule["interval"]?.number?.double, interval >= 1000, let count = rule["count"]?.number?.int64
        else { throw TestBedError("no retry rule: \(rule)") }
        self.count = Int(count)
        self.interval = interval / 1000
        isExponential = strategy == "exponential"
        codes = try rule["response_status_codes"]?.array?.map { try StatusExpression($0.string ?? "") }
        guard (1...10).contains(codes?.count ?? 1) else { throw TestBedError("a retry rule has 1 to 10 codes: \(rule)") }
    }

    /// An attempt with this answer is followed by another; nil is no answer at all (refused, broken off, too late).
    ///
    /// Without codes: whatever is no success. With codes the last one that matches decides, and what matches none is left alone; but when
    /// all of them are negations everything else is covered, successes too, as was seen at Hookdeck. That no answer is covered whatever
    /// the codes are is what Hookdeck's own receivers count on; its documentation does not say.
    public func covers(_ status: Int?) -> Bool {
        guard let status else { return true }
        guard let codes else { return !(200..<300).contains(status) }
        return codes.last { $0.matches(status) }.map { !$0.isNegation } ?? codes.allSatisfy(\.isNegation)
    }

    /// Seconds before the retry after `done` others.
    public func delay(after done: Int) -> Double { isExponential ? interval * pow(2, Double(done)) : interval }
}

/// The files of `deploy/hookdeck`, which are what users send to Hookdeck.
public enum DeployedFiles {
    /// The folder.
    public static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../deploy/hookdeck")
        .standardizedFileURL

    /// One of its files, as JSON.
    public static func json(_ name: String) throws -> JSONValue {
        try JSONValue.parse(Array(Data(contentsOf: folder.appending(path: name))))
    }

    /// The retry rule.
    public static func retry() throws -> RetryRule { try RetryRule(json("retry.json")) }
}

/// One of a rule's `response_status_codes`: `404`, `!404`, `500-599`, `>=300`.
struct StatusExpression: Sendable {
    let isNegation: Bool
    private let range: ClosedRange<Int>

    init(_ text: String) throws {
        // Hookdeck's own pattern.
        guard text.wholeMatch(of: /(?:[2-5]\d{2})-(?:[2-5]\d{2})|[><=]{1,2}[2-5]\d{2}|!?[2-5]\d{2}/) != nil else {
            throw TestBedError("\(text) is no status expression")
        }
        isNegation = text.hasPrefix("!")
        let numbers = text.matches(of: /\d{3}/).compactMap { Int($0.output) }
        range =
            switch text.prefix(while: { !$0.isNumber }) {
            case ">": (numbers[0] + 1)...999
            case ">=": numbers[0]...999
            case "<": 0...(numbers[0] - 1)
            case "<=": 0...numbers[0]
            default: numbers[0]...max(numbers[0], numbers.last ?? 0)
            }
    }

    func matches(_ status: Int) -> Bool { range.contains(status) }
}
