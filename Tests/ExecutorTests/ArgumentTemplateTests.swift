import Testing

@testable import Executor

@Suite struct ArgumentTemplateTests {
    private let values = ["sha": "4f2c", "repository": "acme/shop", "empty": ""]

    @Test(
        arguments: [
            ("/usr/bin/deploy", "/usr/bin/deploy"), ("", ""), ("{sha}", "4f2c"), ("--ref={sha}", "--ref=4f2c"),
            ("{repository}@{sha}", "acme/shop@4f2c"), ("{sha}{sha}", "4f2c4f2c"), ("<{empty}>", "<>"), ("{{sha}}", "{sha}"),
            ("{{{sha}}}", "{4f2c}"), ("{{}}", "{}"), ("}}{{", "}{"), ("{{{{", "{{"), ("ü{sha}€", "ü4f2c€"), ("$sha", "$sha"),
        ])
    func `places are filled and all else stays as it is`(text: String, expected: String) throws {
        #expect(try ArgumentTemplate(text).filled(with: values) == expected)
    }

    @Test func `a value is never read as a template`() throws {
        #expect(try ArgumentTemplate("{sha}").filled(with: ["sha": "{repository}", "repository": "x"]) == "{repository}")
        #expect(try ArgumentTemplate("a {sha}").filled(with: ["sha": "}} {{ '; rm -rf /"]) == "a }} {{ '; rm -rf /")
    }

    @Test(arguments: ["{", "}", "{sha", "sha}", "{}", "a{}b", "{{sha}", "{sha}}", "{a{b}}", "{a{b}", "}{"])
    func `a brace that means nothing is refused`(text: String) {
        #expect(throws: TemplateError.self) { try ArgumentTemplate(text) }
    }

    @Test func `the names of the places are known`() throws {
        #expect(try ArgumentTemplate("{a}/{b}/{a}").places == ["a", "b", "a"])
        #expect(try ArgumentTemplate("{{a}}").places == [])
    }

    @Test func `a template is shown as it was written`() throws {
        for text in ["", "plain", "--ref={sha}", "{a}/{b}"] { #expect(try ArgumentTemplate(text).text == text) }
    }
}
