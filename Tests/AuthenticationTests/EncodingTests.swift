import Authentication
import Testing

struct Base64Tests {
    /// RFC 4648 section 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `the vectors of RFC 4648`(plain: String, text: String) {
        #expect(Base64.encode(Array(plain.utf8)) == text)
        #expect(Base64.decode(text.utf8) == Array(plain.utf8))
        let unpadded = String(text.prefix { $0 != "=" })
        #expect(Base64.encodeURL(Array(plain.utf8)) == unpadded)
        #expect(Base64.decodeURL(unpadded.utf8) == Array(plain.utf8))
    }

    @Test func `the two alphabets do not mix`() {
        let bytes: [UInt8] = [0xfb, 0xff, 0xbf]
        #expect(Base64.encode(bytes) == "+/+/")
        #expect(Base64.encodeURL(bytes) == "-_-_")
        #expect(Base64.decode("-_-_".utf8) == nil)
        #expect(Base64.decodeURL("+/+/".utf8) == nil)
    }

    @Test(arguments: [
        "Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zm9v=", "Zm9v====", "Zg==Zg==", "Zh==", "Zm9=", "Zm 8=", "Zm8=\n", " Zm8=",
        "Zm8\u{0}",
        "Zmé=", "Z",
    ])
    func `anything but the one padded text is refused`(text: String) {
        #expect(Base64.decode(text.utf8) == nil)
    }

    @Test(arguments: ["Zg==", "Zm8=", "Zh", "Zm9", "Z", "Zm9vY", "Zm 8", "Zm8\n", "Zm8.", "Zm8?", "Zm9\u{0}"])
    func `anything but the one unpadded text is refused`(text: String) {
        #expect(Base64.decodeURL(text.utf8) == nil)
    }

    @Test func `every length survives the way out and in`() {
        for count in 0...66 {
            let bytes = Random.bytes(count)
            #expect(Base64.decode(Base64.encode(bytes).utf8) == bytes)
            #expect(Base64.decodeURL(Base64.encodeURL(bytes).utf8) == bytes)
            #expect(Hex.decode(Hex.encode(bytes).utf8) == bytes)
        }
    }
}

struct HexTests {
    @Test func `digits in either case are read, lower case is written`() {
        #expect(Hex.decode("00fFAa".utf8) == [0x00, 0xff, 0xaa])
        #expect(Hex.encode([0x00, 0xff, 0xaa]) == "00ffaa")
    }

    @Test(arguments: ["0", "0g", "0x00", "00 ", "é0", "00\n"])
    func `anything else is refused`(text: String) {
        #expect(Hex.decode(text.utf8) == nil)
    }
}

struct RandomTests {
    @Test func `a UUID of version 7 carries its time, its version and its variant`() throws {
        // The example of RFC 9562 appendix A.6: 0x017f22e279b0 milliseconds.
        let text = Random.uuidV7(milliseconds: 0x017f_22e2_79b0)
        let parts = text.split(separator: "-")
        #expect(parts.map(\.count) == [8, 4, 4, 4, 12])
        #expect(parts[0] == "017f22e2")
        #expect(parts[1] == "79b0")
        #expect(parts[2].first == "7")
        #expect("89ab".contains(try #require(parts[3].first)))
        #expect(Random.uuidV7(milliseconds: 0) != Random.uuidV7(milliseconds: 0))
    }

    @Test func `a later UUID sorts behind an earlier one, and the time is now when none is given`() {
        #expect(Random.uuidV7(milliseconds: 1_700_000_000_000) < Random.uuidV7(milliseconds: 1_700_000_000_001))
        #expect(Random.uuidV7(milliseconds: 1_700_000_000_000) < Random.uuidV7())
        #expect(Random.uuidV7() < Random.uuidV7(milliseconds: 32_503_680_000_000))
    }
}
