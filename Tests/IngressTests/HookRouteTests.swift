import NIOHTTP1
import Testing

@testable import Ingress

@Suite struct HookRouteTests {
    @Test(
        arguments: [
            ("/hooks/github", "github", nil), ("/hooks/", "", nil), ("/hooks/github/", "github", ""),
            ("/hooks/github/s3cret", "github", "s3cret"), ("/hooks/github/a/b", "github", "a/b"), ("/hooks//x", "", "x"),
            ("/hooks/a%2Fb", "a%2Fb", nil),
        ] as [(String, String, String?)])
    func `what stands behind the hook's name is the secret, as it was sent`(path: String, name: String, secret: String?) throws {
        let route = try #require(HookRoute(path[...]))
        #expect(route.name == name)
        #expect(route.secret == secret)
    }

    @Test(arguments: ["/", "", "/hooks", "/healthz", "//hooks/github", "/Hooks/github"])
    func `another path is no hook's`(path: String) { #expect(HookRoute(path[...]) == nil) }

    @Test func `a query is no part of the secret, and headers are found in any case of letters`() {
        let head = HTTPRequestHead(
            version: .http1_1, method: .POST, uri: "/hooks/hub/s3cret?tag=x/y", headers: ["X-A": "1", "x-a": "2"])
        let view = RequestHeadView(head)
        #expect(view.pathSecret == "s3cret")
        #expect(view.values(of: "X-a") == ["1", "2"])
        #expect(view.values(of: "X-B") == [])
    }
}
