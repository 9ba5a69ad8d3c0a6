import NIOHTTP1
import Testing

@testable import Ingress

/// RFC 9112 section 3.2.
@Suite struct HostFieldTests {
    @Test(arguments: [
        (["hooks.example"], true), (["hooks.example:8443"], true), (["[2001:db8::1]:80"], true), ([""], true), ([" a "], true),
        ([], false), (["a", "a"], false), (["a", "b"], false), (["a b/c"], false), (["user@a"], false), (["a\u{e9}"], false),
    ])
    func `a request of HTTP/1.1 has one Host that can be one`(hosts: [String], isGood: Bool) {
        func head(_ version: HTTPVersion) -> HTTPRequestHead {
            HTTPRequestHead(version: version, method: .POST, uri: "/", headers: HTTPHeaders(hosts.map { ("Host", $0) }))
        }
        #expect(head(.http1_1).hasHost == isGood)
        #expect(head(.http1_0).hasHost == (isGood || hosts.isEmpty))
    }
}
