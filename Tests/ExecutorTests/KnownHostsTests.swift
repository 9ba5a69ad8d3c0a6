import Authentication
import Testing

@testable import Executor

@Suite struct KnownHostsTests {
    /// Public halves made by ssh-keygen for these tests alone.
    private enum Key {
        static let first = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID33XCfDIjXi+YzbJzMEjXZLX4g026n27nNfkvqmB3GF"
        static let second = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEWxEiWXlF6U0WQmpJLt7hA7LBEjZ2Vs/lgJ/F8+iiLq"
        static let curve =
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBG8IrjjhGkV5YJEzESZvgAwnEDrdDkhVvoo"
            + "LpWK87jYEDaQcYqZQrtEqiqxi4ZmZSp7v1W+72hE1o9DfWNhkbkc="
        /// Of the type of an RSA key, and no more of it.
        static let rsa = "ssh-rsa AAAAB3NzaC1yc2E="
    }

    private func problems(_ text: String) -> [String] {
        var found: [String] = []
        _ = KnownHosts(text: text) { found.append("\($0): \($1)") }
        return found
    }

    private func lookup(_ text: String, _ address: String, _ port: UInt16 = 22) -> KnownHosts.Lookup {
        let hosts = KnownHosts(text: text) { Issue.record("line \($0): \($1)") }
        return hosts.lookup(address: address, port: port)
    }

    private func bytes(_ keys: String...) -> [[UInt8]] {
        keys.map { Base64.decode($0.split(separator: " ")[1].utf8) ?? [] }
    }

    @Test func `a host has the keys of all lines that name it`() {
        let text = """
            # the web servers
            web-1.example \(Key.first) a comment

            web-2.example,10.0.0.12\t\(Key.second)
              web-1.example   \(Key.curve)
            """
        #expect(lookup(text, "web-1.example").keys == bytes(Key.first, Key.curve))
        #expect(lookup(text, "web-2.example").keys == bytes(Key.second))
        #expect(lookup(text, "10.0.0.12").keys == bytes(Key.second))
        #expect(lookup(text, "web-3.example").keys == [])
        #expect(lookup("", "web-1.example").keys == [])
    }

    @Test func `another port than 22 is another name`() {
        let text = "web \(Key.first)\n[web]:2222 \(Key.second)\n"
        #expect(lookup(text, "web", 22).keys == bytes(Key.first))
        #expect(lookup(text, "web", 2222).keys == bytes(Key.second))
        #expect(lookup(text, "web", 2223).keys == [])
        #expect(lookup("[::1]:2222 \(Key.first)\n::1 \(Key.second)", "::1", 2222).keys == bytes(Key.first))
        #expect(lookup("[::1]:2222 \(Key.first)\n::1 \(Key.second)", "::1", 22).keys == bytes(Key.second))
    }

    @Test(arguments: [
        ("*", true), ("web-1.example", true), ("web-?.example", true), ("*.example", true), ("w*1*e", true), ("web-1*", true),
        ("**", true), ("web-1.example*", true), ("", false), ("web-1.exampl", false), ("web-1.example?", false), ("?eb", false),
        ("*.exampl", false), ("eb-1.example", false), ("web-1.example.evil", false),
    ])
    func `a star and a question mark stand for what they stand for in OpenSSH`(pattern: String, matches: Bool) {
        let text = pattern.isEmpty ? ", \(Key.first)" : "\(pattern) \(Key.first)"
        #expect(lookup(text, "web-1.example").keys.isEmpty != matches)
    }

    @Test func `a name that is excluded is not matched, wherever in the list that stands`() {
        for names in ["*,!web-2", "!web-2,*", "web-?,!*-2"] {
            #expect(lookup("\(names) \(Key.first)", "web-1").keys == bytes(Key.first), "\(names)")
            #expect(lookup("\(names) \(Key.first)", "web-2").keys == [], "\(names)")
        }
        #expect(lookup("!web-2 \(Key.first)", "web-1").keys == [])
    }

    @Test func `names that ssh-keygen has hashed are found, with their ports`() {
        let text = """
            |1|7qKEkjKgqto69YuoHxHpvL/ccCY=|3eLhdlBS20W3f2R3m/lHjTjEVpo= \(Key.first)
            |1|WRWJGdCCQB1xx1ovfiNjqPLYinE=|Zhk60jNYQbnT96+z0Rh36ZDaRNM= \(Key.second)
            """
        #expect(lookup(text, "web-1.example").keys == bytes(Key.first))
        #expect(lookup(text, "web-1.example", 2222).keys == bytes(Key.second))
        #expect(lookup(text, "web-2.example").keys == [])
    }

    @Test(arguments: ["|1|", "|1||", "|1|AAAA", "|1|?|?", "|2|7qKEkjKgqto69YuoHxHpvL/ccCY=|3eLhdlBS20W3f2R3m/lHjTjEVpo="])
    func `a hash that is none matches nobody`(name: String) {
        #expect(lookup("\(name) \(Key.first)", "web-1.example").keys == [])
    }

    @Test func `a revoked key is no key, before and behind the line that pins it`() {
        let pin = "web-1 \(Key.first)\nweb-1 \(Key.second)\n"
        for text in ["@revoked web-1 \(Key.first)\n" + pin, pin + "@revoked * \(Key.first)\n"] {
            #expect(lookup(text, "web-1").keys == bytes(Key.second))
        }
        #expect(lookup(pin + "@revoked web-2 \(Key.first)\n", "web-1").keys == bytes(Key.first, Key.second))
    }

    @Test func `a key of a type that cannot be used is told, not offered`() {
        let found = lookup("web-1 \(Key.rsa)\nweb-1 \(Key.first)\n", "web-1")
        #expect(found.keys == bytes(Key.first))
        #expect(found.unsupported == ["ssh-rsa"])
        #expect(lookup("web-2 \(Key.rsa)\n", "web-1").unsupported == [])
    }

    @Test func `what is wrong is told with its line, and the other lines count`() {
        let text = """
            web-1 \(Key.first)
            @cert-authority *.example \(Key.first)
            web-2
            web-2 ssh-ed25519 not*base64
            # a comment is no problem

            web-2 ssh-rsa \(Key.first.split(separator: " ")[1])
            @revoked \(Key.first)
            @trusted web-1 \(Key.first)
            """
        #expect(
            problems(text) == [
                "2: @cert-authority is not supported: certificates of hosts are not checked; "
                    + "pin each host's own key instead: sallyport hosts scan HOST --pin FILE",
                "3: expected names, a key type and a key in base64", "4: expected names, a key type and a key in base64",
                "7: the key is not of type ssh-rsa", "8: expected names, a key type and a key in base64",
                "9: @trusted is not supported: the marks are @revoked",
            ])
        #expect(KnownHosts(text: text) { _, _ in }.lookup(address: "web-1", port: 22).keys == bytes(Key.first))
    }

    @Test func `a line is limited, to the byte`() {
        let line = "web-1 \(Key.first) "
        let full = line + String(repeating: "c", count: 16 * 1024 - line.utf8.count)
        #expect(problems(full) == [])
        #expect(problems(full + "c") == ["1: the line has more than 16384 bytes"])
    }

    @Test func `a pattern of many stars costs no more than its length times the name's`() {
        let pattern = String(repeating: "*a", count: 4000) + "b"
        let name = String(repeating: "a", count: 255)
        let start = ContinuousClock.now
        #expect(lookup("\(pattern) \(Key.first)", name).keys == [])
        #expect(ContinuousClock.now - start < .seconds(5))
    }
}

@Suite struct KnownHostsReadingTests {
    private let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID33XCfDIjXi+YzbJzMEjXZLX4g026n27nNfkvqmB3GF"

    private func keys(_ text: String, _ address: String) -> Int {
        KnownHosts(text: text) { Issue.record("line \($0): \($1)") }.lookup(address: address, port: 22).keys.count
    }

    @Test func `lines may end as on Windows`() {
        #expect(keys("web-1 \(key)\r\nweb-2 \(key)\r\n", "web-2") == 1)
    }

    @Test func `a comment that ends as on Windows hides no line after it`() {
        #expect(keys("# pinned\r\nweb-1 \(key)\r\n", "web-1") == 1)
    }

    @Test func `a key is revoked also where lines end as on Windows`() {
        #expect(keys("web-1 \(key) comment\r\n@revoked * \(key)\r\n", "web-1") == 0)
    }

    @Test func `names are the same in upper and lower case, as OpenSSH has it`() {
        #expect(keys("WEB-1 \(key)\n", "web-1") == 1)
        #expect(keys("web-1 \(key)\n", "Web-1") == 1)
    }

    @Test func `a key is revoked in whatever case its host is written`() {
        #expect(keys("web-1 \(key)\n@revoked WEB-1 \(key)\n", "web-1") == 0)
    }

    @Test func `lines beyond the limit are told, not left out in silence`() {
        var problems = 0
        let text = String(repeating: "#\n", count: 10_000) + "@revoked * \(key)\n"
        _ = KnownHosts(text: text) { _, _ in problems += 1 }
        #expect(problems > 0)
    }
}
