import Testing

@testable import Ingress

@Suite struct RequestTargetTests {
    @Test(arguments: [
        ("/hooks/github", "/hooks/github"), ("/hooks/github?a=b", "/hooks/github"), ("/?/hooks", "/"), ("", ""), ("?a", ""),
        ("/a#b?c", "/a"), ("/%68ooks/x", "/%68ooks/x"), ("//hooks/x", "//hooks/x"), ("/hooks/../x", "/hooks/../x"),
    ])
    func `the path ends at the query and is not rewritten`(uri: String, path: String) {
        #expect(RequestTarget.path(uri) == path)
    }

    private func query(_ text: String) -> [String] { RequestTarget.query("/p?\(text)").map { "\($0.name)=\($0.value)" } }

    @Test func `pairs are decoded in their order, repeated ones too`() {
        #expect(query("a=1&b=2&a=3") == ["a=1", "b=2", "a=3"])
        #expect(query("a+b=c%20d&%61=%C3%A9%2B") == ["a b=c d", "a=é+"])
        #expect(query("a=b=c&d&e=&=f") == ["a=b=c", "d=", "e=", "=f"])
        #expect(query("a=%26%3D&&b=?") == ["a=&=", "b=?"])
    }

    @Test(arguments: ["%", "%4", "%zz", "%4g", "%%41", "%C3", "%FF", "%C0%AF", "%ED%A0%80"])
    func `a pair that is not UTF-8 in percent-encoding is left out, and no other`(text: String) {
        #expect(query("a=\(text)&b=2") == ["b=2"])
        #expect(query("\(text)=1&b=2") == ["b=2"])
    }

    @Test func `without a query there are no pairs`() {
        #expect(RequestTarget.query("/p").isEmpty)
        #expect(RequestTarget.query("/p?").isEmpty)
    }

    @Test func `a query is looked at up to a number of pairs`() {
        let pairs = (0..<65).map { "n=\($0)" }.joined(separator: "&")
        #expect(RequestTarget.query("/p?\(pairs)").count == 64)
    }
}
