import Settings
import Testing

@testable import Executor

@Suite struct ParameterTypeTests {
    /// The type that settings such as `type: boolean` make.
    private func type(_ settings: String) throws -> ParameterType {
        let job = try Samples.job(
            "command: [/bin/a, '{x}'], destinations: [web-1], timeout: 1s, parameters: {x: {\(settings)}}")
        return try #require(job.parameters["x"]).type
    }

    private func accepted(_ settings: String, _ value: String) throws -> String? {
        let type = try type(settings)
        return try? type.accepted(value)
    }

    @Test(arguments: [
        ("a", true), ("b-c", true), ("", false), ("A", false), ("a ", false), ("a\0", false), ("e\u{301}", true),
        ("\u{e9}", false),
    ])
    func `a choice is one of its values, byte for byte`(value: String, isGood: Bool) throws {
        #expect(try accepted("type: choice, values: [a, b-c, \"e\u{301}\"]", value) == (isGood ? value : nil))
    }

    @Test(arguments: [
        ("-3", true), ("0", true), ("20", true), ("-4", false), ("21", false), ("", false), ("+1", false), ("01", false),
        ("-0", false),
        ("1.0", false), ("1e1", false), (" 1", false), ("0x1", false), ("١", false), ("99999999999999999999", false),
    ])
    func `an integer is written in one way only, and within its range`(value: String, isGood: Bool) throws {
        #expect(try accepted("type: integer, minimum: -3, maximum: 20", value) == (isGood ? value : nil))
    }

    @Test(arguments: [("true", true), ("false", true), ("True", false), ("1", false), ("yes", false), ("", false)])
    func `a boolean is true or false`(value: String, isGood: Bool) throws {
        #expect(try accepted("type: boolean", value) == (isGood ? value : nil))
    }

    @Test(
        arguments: [
            ("app", "/srv/www/app"), ("a/b/c", "/srv/www/a/b/c"), ("./a//b/.", "/srv/www/a/b"), ("/srv/www/app", "/srv/www/app"),
            ("/srv//www/./app/", "/srv/www/app"), ("-rf", "/srv/www/-rf"), ("a b", "/srv/www/a b"), ("...", "/srv/www/..."),
            ("", nil), (".", nil), ("./", nil), ("/", nil), ("/srv/www", nil), ("/srv/www/", nil), ("/srv/wwwx/a", nil),
            ("/etc/passwd", nil), ("..", nil), ("a/../b", nil), ("/srv/www/../etc", nil), ("a\0b", nil), ("a\nb", nil),
            ("a\u{7f}", nil),
        ] as [(String, String?)])
    func `a path stays below its root, and is passed on in its shortest form`(value: String, expected: String?) throws {
        #expect(try accepted("type: path, root: /srv/www/", value) == expected)
    }

    @Test(arguments: ["srv", "/", "//", "/..", "/srv/../etc", "/."])
    func `a root is a folder by its whole path`(root: String) {
        #expect(throws: ParameterError.self) { try PathRule(root: root) }
    }

    @Test(arguments: [
        ("https://example.com", true), ("https://example.com/", true), ("https://EXAMPLE.com/a?b=c#d", true),
        ("https://example.com/a%20b", true), ("https://a.b.example.org/x", true), ("https://git.example:8443/x", true),
        ("https://git.example/x", false), ("https://git.example:443/x", false), ("https://example.com:443/", false),
        ("http://example.com/", false), ("HTTPS://example.com/", false), ("https:/example.com", false), ("//example.com", false),
        ("https://example.com.evil/", false), ("https://evilexample.org/", false), ("https://.example.org/", false),
        ("https://example.org/", false), ("https://user@example.com/", false), ("https://example.com@evil/", false),
        ("https://evil/@example.com", false), ("https://example.com\\.evil/", false), ("https://example.com /", false),
        ("https://example.com/a b", false), ("https://example.com/%2", false), ("https://example.com/%zz", false),
        ("https://example.com/\n", false), ("https://exämple.com/", false), ("https://[::1]/", false), ("https://", false),
        ("--upload-file", false), ("file:///etc/passwd", false),
    ])
    func `a URL is of a listed host, and over https unless the settings say otherwise`(value: String, isGood: Bool) throws {
        let settings = "type: url, hosts: [example.com, '*.example.org', 'git.example:8443']"
        #expect(try accepted(settings, value) == (isGood ? value : nil))
    }

    @Test func `http is for who lists it`() throws {
        #expect(try accepted("type: url, hosts: [a.example], schemes: [http]", "http://a.example/") != nil)
        #expect(try accepted("type: url, hosts: [a.example], schemes: [http]", "https://a.example/") == nil)
    }

    @Test(arguments: [
        ("pattern: '[a-z]+'", false), ("pattern: '[-a-z]+'", true), ("pattern: '.+'", true), ("pattern: 'a-'", false),
        ("pattern: '(a|-b)'", true), ("type: integer, minimum: 0, maximum: 9", false),
        ("type: integer, minimum: -1, maximum: 9", true),
        ("type: boolean", false), ("type: path, root: /a", false), ("type: url, hosts: [a]", false),
    ])
    func `it is known whether a value may begin with a hyphen`(settings: String, expected: Bool) throws {
        #expect(try type(settings).admitsHyphen == expected)
    }

    @Test(arguments: [
        "type: integer", "type: integer, minimum: 2, maximum: 1", "type: integer, minimum: 1, maximum: 2, pattern: a",
        "type: choice",
        "type: choice, values: []", "type: boolean, values: [a]", "type: path", "type: path, root: srv", "type: url",
        "type: url, hosts: []",
        "type: url, hosts: [Example.com]", "type: url, hosts: ['https://example.com']", "type: url, hosts: [a], schemes: [ftp]",
        "type: text", "minimum: 1", "type: pattern", "type: boolean, default: yes", "type: path, root: /a, default: ../b",
        "type: integer, minimum: 1, maximum: 9, default: 10",
    ])
    func `a type that is not wholly described is refused`(settings: String) {
        #expect(throws: SettingsProblems.self) { try type(settings) }
    }
}
