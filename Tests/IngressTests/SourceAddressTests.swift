import NIOCore
import NIOHTTP1
import Settings
import Testing

@testable import Ingress

@Suite struct SourceAddressTests {
    @Test(
        arguments: [
            ("0.0.0.0", 0), ("192.0.2.1", 0xc000_0201), ("255.255.255.255", 0xffff_ffff), ("::ffff:192.0.2.1", 0xc000_0201),
            ("::ffff:c000:201", 0xc000_0201),
        ] as [(String, UInt128)])
    func `an IPv4 address is four numbers, also inside IPv6`(text: String, bits: UInt128) {
        #expect(IPAddress(text)?.bits == bits)
        #expect(IPAddress(text)?.isVersion4 == true)
    }

    @Test(
        arguments: [
            ("::", 0), ("::1", 1), ("1::", 1 << 112), ("2001:DB8::1", 0x2001_0db8_0000_0000_0000_0000_0000_0001),
            ("1:2:3:4:5:6:7:8", 0x0001_0002_0003_0004_0005_0006_0007_0008),
            ("1:2:3:4:5:6:7::", 0x0001_0002_0003_0004_0005_0006_0007_0000),
            ("64:ff9b::192.0.2.1", 0x0064_ff9b_0000_0000_0000_0000_c000_0201),
        ] as [(String, UInt128)])
    func `an IPv6 address may leave zeros out once`(text: String, bits: UInt128) {
        #expect(IPAddress(text)?.bits == bits)
        #expect(IPAddress(text)?.isVersion4 == false)
    }

    @Test(
        arguments: [
            "", " 192.0.2.1", "192.0.2.1 ", "192.0.2", "192.0.2.1.", "192.0.2.256", "192.0.02.1", "0x7f.0.0.1", "2130706433",
            "1.2.3.4.5",
            "1.2.3.-4", "1.2.3.+4", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::12345",
            "::g",
            "::+1", "fe80::1%eth0", "[::1]", "192.0.2.1:80", "::192.0.2.1:1", "1.2.3.4::", ":1", "1:", "unknown", "_hidden",
            "localhost",
        ])
    func `anything else is no address`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(
        arguments: [
            ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false), ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false), ("192.0.2.0/31", "192.0.2.1", true), ("0.0.0.0/0", "255.0.0.1", true),
            ("0.0.0.0/0", "::1", false), ("::/0", "10.0.0.1", false), ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:ffff::", true), ("2001:db8::/32", "2001:db9::", false), ("::1/128", "::1", true),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true), ("128.0.0.0/1", "127.255.255.255", false),
        ])
    func `a range has the addresses that begin like it`(range: String, address: String, expected: Bool) throws {
        #expect(try #require(IPNetwork(range)).contains(#require(IPAddress(address))) == expected)
    }

    @Test(
        arguments: [
            "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/", "10.0.0.0/8/8", "/8", "::1/127", "::/129",
            "::ffff:10.0.0.0/104", "10.0.0.0/+8", "10.0.0/24", "host",
        ])
    func `a range that could mean two things is none`(text: String) {
        #expect(IPNetwork(text) == nil)
    }

    private func source(_ peer: String, _ fields: String...) throws -> String? {
        let proxies = TrustedProxies(networks: ["10.0.0.0/8", "2001:db8::/32"].compactMap { IPNetwork($0) })
        let source = proxies.source(peer: IPAddress(peer), headers: HTTPHeaders(fields.map { ("X-Forwarded-For", $0) }))
        return try source.map { source in
            // Whichever of the addresses in the test it is.
            let texts =
                [peer] + fields.flatMap { $0.unicodeScalars.split { ", \t[]".unicodeScalars.contains($0) }.map { String($0) } }
            return try #require(texts.first { IPAddress($0) == source || IPAddress($0.prefix { $0 != ":" }) == source })
        }
    }

    @Test func `the address is the peer's, whatever a stranger says`() throws {
        #expect(try source("198.51.100.7") == "198.51.100.7")
        #expect(try source("198.51.100.7", "192.0.2.1") == "198.51.100.7")
        #expect(try source("198.51.100.7", "10.0.0.1") == "198.51.100.7")
        #expect(
            TrustedProxies.none.source(peer: IPAddress("10.0.0.1"), headers: ["X-Forwarded-For": "1.2.3.4"])
                == IPAddress("10.0.0.1"))
        #expect(TrustedProxies.none.source(peer: nil, headers: ["X-Forwarded-For": "1.2.3.4"]) == nil)
    }

    @Test func `behind trusted proxies it is the right-most stranger's`() throws {
        #expect(try source("10.0.0.1", "192.0.2.1") == "192.0.2.1")
        #expect(try source("10.0.0.1", "192.0.2.9, 192.0.2.1") == "192.0.2.1")
        #expect(try source("10.0.0.1", "192.0.2.9, 192.0.2.1, 10.0.0.2") == "192.0.2.1")
        #expect(try source("10.0.0.1", "192.0.2.9,192.0.2.1 ,\t2001:db8::2") == "192.0.2.1")
        #expect(try source("10.0.0.1", "192.0.2.9", "192.0.2.1", "10.0.0.3,10.0.0.2") == "192.0.2.1")
        #expect(try source("2001:db8::1", "2001:db9::7") == "2001:db9::7")
        #expect(try source("10.0.0.1", "10.0.0.3, 10.0.0.2") == "10.0.0.3")
        #expect(try source("10.0.0.1", "192.0.2.1:4711") == "192.0.2.1:4711")
        #expect(try source("10.0.0.1", "[2001:db9::7]") == "2001:db9::7")
        #expect(try source("10.0.0.1", "[2001:db9::7]:80") == "2001:db9::7")
    }

    @Test func `what a stranger wrote on the left is not looked at`() throws {
        for noise in ["garbage", "10.0.0.9", "", ",,,", "\"", "[", "\u{600}", "\u{301}", String(repeating: "x,", count: 5000)] {
            #expect(try source("10.0.0.1", "\(noise), 192.0.2.1") == "192.0.2.1", "\(noise.prefix(20))")
            #expect(try source("10.0.0.1", "\(noise),192.0.2.1") == "192.0.2.1", "\(noise.prefix(20))")
            #expect(try source("10.0.0.1", noise, "192.0.2.1, 10.0.0.2") == "192.0.2.1", "\(noise.prefix(20))")
        }
    }

    @Test(
        arguments: [
            "", " ", "garbage", "unknown", "192.0.2.1,", "192.0.2.1, x, 10.0.0.2", "192.0.2.1 10.0.0.2", "192.0.2.1:",
            "192.0.2.1:x",
            "192.0.2.1:123456", "[192.0.2.1]", "[2001:db9::7", "2001:db9::7]:80", "[2001:db9::7]80", "[]", "[]:80", "999.0.2.1",
        ])
    func `a bad header counts for nothing`(field: String) throws {
        #expect(try source("10.0.0.1", field) == "10.0.0.1")
    }

    @Test func `addresses are looked at up to a number`() throws {
        func field(_ proxies: Int) -> String { "192.0.2.1" + String(repeating: ",10.0.0.2", count: proxies) }
        #expect(try source("10.0.0.1", field(31)) == "192.0.2.1")
        #expect(try source("10.0.0.1", field(32)) == "10.0.0.1")
    }

    @Test func `a peer is taken from its socket`() throws {
        #expect(IPAddress(try SocketAddress(ipAddress: "::ffff:192.0.2.1", port: 1)) == IPAddress("192.0.2.1"))
        #expect(IPAddress(try SocketAddress(ipAddress: "2001:db8::1", port: 1)) == IPAddress("2001:db8::1"))
        #expect(IPAddress(try SocketAddress(unixDomainSocketPath: "/s")) == nil)
        #expect(IPAddress(nil as SocketAddress?) == nil)
    }

    @Test func `proxies are named in the settings`() throws {
        func read(_ text: String) throws -> (TrustedProxies, [String]) {
            let file = try SettingsFile(text: "p: \(text)", file: "f")
            let proxies = file.root.mapping("p").optional("p").trustedProxies()
            do throws(SettingsProblems) {
                try file.finish()
                return (proxies, [])
            } catch {
                return (proxies, error.problems.map(\.message))
            }
        }
        #expect(try read("[10.0.0.0/8, '::1']").0.networks.map(\.description) == ["10.0.0.0/8", "::1"])
        #expect(try read("[10.0.0.0/8, '::1']").1 == [])
        #expect(try read("[0.0.0.0/0]").1 == ["this believes whoever connects; name the proxies"])
        #expect(try read("[proxy.example]").1.count == 1)
        #expect(try read("10.0.0.0/8").1.count == 1)
        func many(_ count: Int) -> String { "[" + (0..<count).map { "10.0.0.\($0)" }.joined(separator: ", ") + "]" }
        #expect(try read(many(64)).1 == [])
        #expect(try read(many(65)).1 == ["65 ranges, the limit is 64"])
    }
}
