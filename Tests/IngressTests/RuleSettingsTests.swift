import Settings
import Testing

@testable import Ingress

@Suite struct RuleSettingsTests {
    private func problems(_ settings: String) -> [String] {
        do throws(SettingsProblems) {
            let file = try SettingsFile(text: "h: {verify: none, job: deploy, \(settings)}", file: "f")
            for entry in file.root.entries() { _ = HookSettings.hook(entry.name, entry.value) }
            try file.finish()
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test(
        arguments: [
            "{header: X-A, equals: a}", "{all: [{header: X-A, equals: a}]}", "{not: {any: [{query: a, one-of: [a, b]}]}}",
            "{payload: '', exists: true}", "{payload: /n, at-least: 1, below: 1e3}", "{method: POST}",
            "{source-address: '2001:db8::/32'}",
        ])
    func `a rule is a condition or a group`(rule: String) {
        #expect(problems("when: \(rule)") == [])
    }

    @Test(
        arguments: [
            ("{heder: X-A, equals: a}", "f:1: h.when.heder: unknown key; did you mean `header`?"),
            ("{header: X-A, equal: a}", "f:1: h.when.equal: unknown key; did you mean `equals`?"),
            ("{al: [{header: X-A, equals: a}]}", "f:1: h.when.al: unknown key; did you mean `all`?"),
            ("{not: {header: X-A, exist: true}}", "f:1: h.when.not.exist: unknown key; did you mean `exists`?"),
            (
                "{all: [{header: X-A, equals: a}, {quer: a, equals: b}]}",
                "f:1: h.when.all.2.quer: unknown key; did you mean `query`?"
            ),
            ("{all: []}", "f:1: h.when.all: at least one rule is needed"),
            ("{source-address: 10.0.0.1/8}", "f:1: h.when.source-address: expected a range of addresses with no bit set beyond"),
            ("{method: GET}", "f:1: h.when.method: hooks take POST and nothing else"),
            ("{claim: sub, equals: a}", "f:1: h.when.claim: this hook has no `token`, so there is no claim"),
            ("{header: X-A, at-least: many}", "f:1: h.when.at-least: expected a number, such as 5 or -2.5"),
            ("{header: X-A, pattern: '(a'}", "f:1: h.when.pattern: a `(` without its `)`"),
            ("{header: X-A, exists: maybe}", "f:1: h.when.exists: expected true or false"),
            ("{header: X-A, equals: a, pattern: b}", "f:1: h.when: equals and pattern do not go together"),
            ("{header: X-A, exists: true, at-least: 1}", "f:1: h.when: exists and at-least do not go together"),
            ("{header: X-A, query: b, equals: c}", "f:1: h.when: expected one of all, any, not, header, query, payload, claim"),
            ("{header: X-A}", "f:1: h.when: what must it be? Expected one of equals"),
            ("{method: POST, equals: a}", "f:1: h.when.equals: `method` is not compared; leave this out"),
            ("{any: {header: X-A, equals: a}}", "f:1: h.when.any: expected a list of rules"),
            ("{not: [{header: X-A, equals: a}]}", "f:1: h.when.not: expected a condition"),
            ("[{header: X-A, equals: a}]", "f:1: h.when: expected a condition"), ("push", "f:1: h.when: expected a condition"),
            ("{header: X A, equals: a}", "f:1: h.when.header: not a header's name"),
            ("{payload: ref, equals: a}", "f:1: h.when.payload: a JSON pointer begins with `/`"),
        ])
    func `what is none is refused with its place`(rule: String, problem: String) {
        let found = problems("when: \(rule)")
        #expect(found.contains { $0.hasPrefix(problem) }, "\(found)")
    }

    @Test(arguments: [
        "", "~", "{}", "{equals: a}", "{all: [~]}", "{not: ~}", "{header: X-A, equals: ~}", "{literal: a, equals: a}",
    ])
    func `nothing is no rule`(rule: String) {
        #expect(!problems("when: \(rule)").isEmpty)
    }

    @Test func `the answer otherwise is one of two, and needs a rule`() {
        let rule = "when: {header: X-A, equals: a}"
        #expect(problems("\(rule), otherwise: ignore") == [])
        #expect(problems("\(rule), otherwise: refuse") == [])
        #expect(problems("\(rule), otherwise: drop") == ["f:1: h.otherwise: expected one of ignore, refuse"])
        #expect(problems("otherwise: refuse") == ["f:1: h.otherwise: there is no `when` that could fail"])
    }

    @Test func `groups go eight levels deep`() {
        func nested(_ groups: Int) -> String {
            String(repeating: "{not: ", count: groups) + "{header: X-A, equals: a}" + String(repeating: "}", count: groups)
        }
        #expect(problems("when: \(nested(7))") == [])
        #expect(problems("when: \(nested(8))").first?.hasSuffix("more than 8 levels of groups") == true)
    }

    @Test func `a rule has 128 conditions and groups`() {
        func rule(_ count: Int) -> String {
            "{all: [" + (1..<count).map { "{header: X-\($0), equals: a}" }.joined(separator: ", ") + "]}"
        }
        #expect(problems("when: \(rule(128))") == [])
        #expect(problems("when: \(rule(129))") == ["f:1: h.when: 129 conditions and groups, the limit is 128"])
    }

    @Test func `a choice is among 256 texts`() {
        func rule(_ count: Int) -> String {
            "{header: X-A, one-of: [" + (0..<count).map { "a\($0)" }.joined(separator: ", ") + "]}"
        }
        #expect(problems("when: \(rule(256))") == [])
        #expect(problems("when: \(rule(257))") == ["f:1: h.when.one-of: 257 elements, expected 1 to 256"])
        #expect(problems("when: {header: X-A, one-of: []}") == ["f:1: h.when.one-of: 0 elements, expected 1 to 256"])
        #expect(problems("when: {header: X-A, one-of: a}") == ["f:1: h.when.one-of: expected a list, as in [a, b]"])
    }

    @Test func `patterns have 4096 steps together`() {
        func rule(_ last: Int) -> String {
            "{any: ["
                + ["a{1000}", "b{1000}", "c{1000}", "d{1000}", "e{\(last)}"].map { "{header: X-A, pattern: '\($0)'}" }
                .joined(separator: ", ") + "]}"
        }
        #expect(problems("when: \(rule(96))") == [])
        #expect(problems("when: \(rule(97))") == ["f:1: h.when: the patterns have 4097 steps together, the limit is 4096"])
    }

    @Test func `payload forms are named, each once`() throws {
        #expect(try Samples.hook("payload: xml").payload.forms == [.xml])
        #expect(try Samples.hook("payload: [json, form], form-field: payload").payload.forms == [.json, .form])
        #expect(try Samples.hook().payload.forms == [.json])
        #expect(try Samples.hook("payload: json").readsPayload)
        #expect(try !Samples.hook().readsPayload)
        #expect(try Samples.hook("when: {payload: /a, exists: true}").readsPayload)
        #expect(try !Samples.hook("when: {query: a, exists: true}").readsPayload)
        #expect(problems("payload: yaml") == ["f:1: h.payload: expected one of json, form, multipart, xml, text"])
        #expect(problems("payload: [json, json]") == ["f:1: h.payload.2: json is there twice"])
        #expect(problems("payload: []") == ["f:1: h.payload: at least one form is needed"])
        #expect(problems("form-field: payload") == ["f:1: h.form-field: needs `payload: form` or `payload: multipart`"])
        #expect(problems("payload: xml, form-field: payload").count == 1)
    }

    @Test func `a parameter has a default, unless it is a literal`() throws {
        let hook = try Samples.hook("parameters: {a: {payload: /a, default: x}, b: {query: b, default: ''}, c: {header: C}}")
        #expect(hook.parameters.map(\.fallback) == ["x", "", nil])
        #expect(
            problems("parameters: {a: {literal: a, default: b}}") == [
                "f:1: h.parameters.a.default: a literal is never missing; leave this out"
            ])
        #expect(!problems("parameters: {a: {default: b}}").isEmpty)
        #expect(!problems("event-id: {header: A, default: b}").isEmpty)
        let long = String(repeating: "x", count: 4096)
        #expect(problems("parameters: {a: {query: a, default: \(long)}}") == [])
        #expect(problems("parameters: {a: {query: a, default: \(long)x}}").count == 1)
    }

    @Test func `a rule is told in words`() throws {
        let rule =
            "{all: [{header: X-GitHub-Event, equals: push}, {any: [{payload: /ref, one-of: [a, b]}, {query: n, at-least: 1, below: 5}]},"
            + " {not: {payload: /deleted, exists: true}}, {source-address: [10.0.0.0/8, '::1']}, {payload: /v, pattern: 'v[0-9]+'}]}"
        let hook = try Samples.hook(
            "when: \(rule), otherwise: refuse, payload: [json, form], form-field: payload, parameters: {sha: {payload: /after, default: x}}"
        )
        #expect(
            hook.conditionsInWords.joined(separator: "\n") == """
                  when
                    all of
                      header X-GitHub-Event is "push"
                      any of
                        payload /ref is one of "a", "b"
                        query n is at least 1 and is below 5
                      not
                        payload /deleted is there
                      the source address is in 10.0.0.0/8 or ::1
                      payload /v matches v[0-9]+
                    what is missing passes no comparison, and no `not` of one
                  otherwise it is answered 403
                  the body must be JSON or a form whose field payload is JSON; another content type is answered 415
                  parameter sha is payload /after, "x" when it is missing
                """)
        #expect(try Samples.hook().conditionsInWords == ["  whatever the delivery says"])
    }
}
