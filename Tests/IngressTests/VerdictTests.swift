import Testing

@testable import Ingress

/// The truth tables of docs/rules.md: missing is unknown, and unknown never lets a delivery pass.
@Suite struct VerdictTests {
    @Test(
        arguments: [
            (.holds, .holds, .holds, .holds), (.holds, .fails, .fails, .holds), (.holds, .unknown, .unknown, .holds),
            (.fails, .fails, .fails, .fails), (.fails, .unknown, .fails, .unknown), (.unknown, .unknown, .unknown, .unknown),
        ] as [(Verdict, Verdict, Verdict, Verdict)])
    func `all and any of two`(left: Verdict, right: Verdict, all: Verdict, any: Verdict) {
        #expect(Verdict.all([left, right]) == all)
        #expect(Verdict.all([right, left]) == all)
        #expect(Verdict.any([left, right]) == any)
        #expect(Verdict.any([right, left]) == any)
    }

    @Test func `not of what is unknown is unknown`() {
        #expect(Verdict.holds.inverted == .fails)
        #expect(Verdict.fails.inverted == .holds)
        #expect(Verdict.unknown.inverted == .unknown)
    }

    /// `x` is there and is a, `y` is missing.
    @Test(
        arguments: [
            ("{payload: /x, equals: a}", true), ("{payload: /x, equals: b}", false), ("{payload: /y, equals: a}", false),
            ("{not: {payload: /x, equals: a}}", false), ("{not: {payload: /x, equals: b}}", true),
            ("{not: {payload: /y, equals: a}}", false), ("{not: {not: {payload: /y, equals: a}}}", false),
            ("{all: [{payload: /x, equals: a}, {payload: /y, equals: a}]}", false),
            ("{all: [{payload: /x, equals: a}, {not: {payload: /y, equals: a}}]}", false),
            ("{any: [{payload: /x, equals: a}, {payload: /y, equals: a}]}", true),
            ("{any: [{payload: /x, equals: b}, {payload: /y, equals: a}]}", false),
            ("{not: {any: [{payload: /x, equals: b}, {payload: /y, equals: a}]}}", false),
            ("{not: {any: [{payload: /x, equals: a}, {payload: /y, equals: a}]}}", false),
            ("{not: {all: [{payload: /x, equals: a}, {payload: /y, equals: a}]}}", false),
            // Whatever y might be, x is not b: this is known.
            ("{not: {all: [{payload: /x, equals: b}, {payload: /y, equals: a}]}}", true),
            ("{payload: /y, exists: false}", true), ("{not: {payload: /y, exists: true}}", true),
            ("{all: [{payload: /y, exists: true}, {not: {payload: /y, equals: a}}]}", false),
            ("{any: [{payload: /y, exists: false}, {not: {payload: /y, equals: a}}]}", true),
        ])
    func `a rule about what is missing lets nothing pass`(rule: String, passes: Bool) throws {
        let hook = try Samples.hook("when: \(rule)")
        let refused = Rejection.of { try JobIntent(Samples.delivery(#"{"x": "a"}"#), for: hook) }
        #expect((refused == nil) == passes)
        #expect(refused == nil || refused?.outcome == "ignored")
    }

    @Test(arguments: [
        "equals: a", "pattern: '.*'", "one-of: [a, '']", "at-least: 0", "at-most: 0", "above: -1", "below: 1", "exists: true",
    ])
    func `no comparison holds for what has no text, nor its opposite`(comparison: String) throws {
        let headers = [("X-Two", "a"), ("X-Two", "a")]
        let delivery = Samples.delivery(#"{"nil": null, "list": [1], "map": {}}"#, headers, query: "q=a&q=a")
        for place in [
            "payload: /none", "payload: /nil", "payload: /list", "payload: /map", "payload: ''", "header: X-None",
            "header: X-Two",
            "query: none", "query: q",
        ] {
            for rule in ["{\(place), \(comparison)}", "{not: {\(place), \(comparison)}}"] where !comparison.hasPrefix("exists") {
                let hook = try Samples.hook("when: \(rule)")
                #expect(Rejection.of { try JobIntent(delivery, for: hook) }?.outcome == "ignored", "\(rule)")
            }
        }
    }
}
