import Settings
import Testing

@Suite struct AnchoredPatternTests {
    @Test(arguments: [
        ("[0-9a-f]{40}", "da39a3ee5e6b4b0d3255bfef95601890afd80709", true),
        ("[0-9a-f]{40}", "da39a3ee5e6b4b0d3255bfef95601890afd8070", false),
        ("[0-9a-f]{40}", "da39a3ee5e6b4b0d3255bfef95601890afd807090", false),
        ("[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", "octo/hello-world", true),
        ("[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", "octo/hello/world", false),
        ("refs/(heads|tags)/[^/]+", "refs/tags/v1.0", true),
        ("refs/(heads|tags)/[^/]+", "refs/notes/x", false),
        ("a|b", "a", true), ("a|b", "ab", false),
        ("a{2}", "aa", true), ("a{2}", "aaa", false), ("a{2,}", "aaaaa", true), ("a{2,}", "a", false),
        ("a{,2}", "", true), ("a{,2}", "aaa", false), ("a{1,3}", "aaa", true), ("a{1,3}", "aaaa", false), ("a{0}b", "b", true),
        ("(ab)*", "", true), ("(ab)*", "ababab", true), ("(ab)*", "aba", false),
        ("(a*)*b", "aaab", true), ("(a?){3}", "aa", true), ("(a?){3}", "aaaa", false), ("((a|b)+c)?", "abab", false),
        ("v\\.1\\+\\\\", "v.1+\\", true), ("a.c", "abc", true), ("a.c", "ac", false),
        ("[]x]+", "]x", true), ("[^]x]", "]", false), ("[a-]+", "-a", true), ("[-a]+", "-a", true), ("[\\\\]", "\\", true),
        ("[[:digit:][:upper:]_]+", "A1_", true), ("[[:digit:][:upper:]_]+", "a", false), ("[[:alpha:][]+", "a[", true),
        (".*", "", true), ("(.|x)*", "été", true), ("[^a]+", "é", true),
        ("x]", "x]", true), ("x}", "x}", true),
    ])
    func `the whole value is matched`(pattern: String, value: String, expected: Bool) throws {
        #expect(try AnchoredPattern(pattern).matches(value) == expected)
    }

    @Test(arguments: ["aX", "Xa", "a\n", "\na", "a\0", "a\0X", " a", ""])
    func `nothing may stand before or behind the match`(value: String) throws {
        #expect(try !AnchoredPattern("a").matches(value))
        #expect(try !AnchoredPattern("(a|a)").matches(value))
    }

    @Test(arguments: ["a)|(b", "a)|.*(", ")(", "(a", "a)", "(a))", "((a)"])
    func `no parenthesis escapes from the anchors`(pattern: String) {
        #expect(throws: PatternError.self) { try AnchoredPattern(pattern) }
    }

    @Test(arguments: [
        ("", "must not be empty"), ("\\d+", "[0-9]"), ("\\w", "[A-Za-z0-9_]"), ("\\s", "a space"), ("(a)\\1", "back-references"),
        ("a\\b", "punctuation"), ("a\\", "ends in a backslash"), ("^a", "whole value"), ("a$", "whole value"),
        ("a|^b", "whole value"),
        ("*a", "nothing stands before `*`"), ("a|+", "nothing stands before `+`"), ("{2}", "nothing stands before `{`"),
        ("a**", "two repeats"), ("a+?", "two repeats"), ("a{2}{3}", "two repeats"), ("(?:a)", "`(?` is not known"),
        ("()", "empty group"), ("a|", "empty group or alternative"), ("|a", "empty group or alternative"),
        ("a{1001}", "at most 1000"), ("a{99999999999999999999}", "at most 1000"), ("a{3,2}", "smaller"), ("a{x}", "expected {m}"),
        ("a{", "expected {m}"), ("a{,}", "expected {m}"), ("a{1,2,3}", "expected {m}"), ("a{-1}", "expected {m}"),
        ("a{}", "expected {m}"),
        ("(a{1000}){1000}", "too large"), ("a{1000}b{1000}c{1000}", "too large"),
        ("((((a{0}){1000}){1000}){1000}){1000}", "too large"),
        ("((a+){1000}){3}", "too large"), ("[a", "without its `]`"), ("[]", "without its `]`"), ("[^]", "without its `]`"),
        ("[z-a]", "smaller"), ("[a-c-e]", "first or last"), ("[\\d]", "escapes nothing"), ("[\\.]", "escapes nothing"),
        ("[[:foo:]]", "[:alnum:]"), ("[[:alpha]", "[:alnum:]"), ("[[.a.]]", "collating"), ("[[=a=]]", "collating"),
        ("[a-z", "without its `]`"),
        ("é", "ASCII"), ("a\0b", "ASCII"), ("[[:alpha:][]\\1", "back-references"),
    ])
    func `what cannot be kept is refused with its reason`(pattern: String, reason: String) {
        let error = #expect(throws: PatternError.self) { try AnchoredPattern(pattern) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test func `limits hold at their boundary`() throws {
        #expect(try AnchoredPattern("a{1000}").matches(String(repeating: "a", count: 1000)))
        #expect(try AnchoredPattern(String(repeating: "a", count: AnchoredPattern.maximumLength)).matches("a") == false)
        #expect(throws: PatternError.self) {
            try AnchoredPattern(String(repeating: "a", count: AnchoredPattern.maximumLength + 1))
        }
        #expect(try AnchoredPattern("(a{2}){1000}b{48}").matches("") == false)
        #expect(throws: PatternError.self) { try AnchoredPattern("(a{2}){1000}b{49}") }
        let nested = { (depth: Int) in String(repeating: "(", count: depth) + "a" + String(repeating: ")", count: depth) }
        #expect(try AnchoredPattern(nested(AnchoredPattern.maximumDepth)).matches("a"))
        #expect(throws: PatternError.self) { try AnchoredPattern(nested(AnchoredPattern.maximumDepth + 1)) }
    }

    @Test(arguments: ["(a*)*b", "(a|aa)+c", "((a+)+)+b", "(a|b)*a(a|b){500}c", "(.*.*.*.*)*x", "(a?){500}a{500}b"])
    func `time stays bounded for patterns that make others explode`(pattern: String) throws {
        let compiled = try AnchoredPattern(pattern)
        let value = String(repeating: "ab", count: 64) + String(repeating: "a", count: 4096 - 128)
        let start = ContinuousClock.now
        #expect(!compiled.matches(value))
        // Some hundredths of a second are usual; an engine that backtracks would take longer than there is time.
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test func `one pattern serves many tasks at once`() async throws {
        let pattern = try AnchoredPattern("(ab|cd){1,50}")
        let answers = await withTaskGroup(of: Bool.self) { group in
            for count in 1...60 { group.addTask { pattern.matches(String(repeating: "cd", count: count)) } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(answers == 50)
    }
}
