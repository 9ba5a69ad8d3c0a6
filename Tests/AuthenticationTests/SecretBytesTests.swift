import Authentication
import Glibc
import Testing

struct SecretBytesTests {
    @Test func `bytes go in and come out`() {
        #expect(SecretBytes("hunter2").copy == Array("hunter2".utf8))
        #expect(SecretBytes("").copy.isEmpty)
        let large = Random.bytes(10_000)
        #expect(SecretBytes(copying: large).copy == large)
        #expect(unsafe SecretBytes(count: 3) { buffer in unsafe buffer.copyBytes(from: [1, 2]) }.copy == [1, 2, 0])
    }

    @Test func `a secret does not show itself`() {
        let secret = SecretBytes("hunter2")
        #expect("\(secret)" == "[secret]")
        #expect(String(reflecting: secret) == "[secret]")
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }

    @Test(arguments: [
        ("a\n", "a"), ("a\r\n", "a"), ("a", "a"), ("a\n\n", "a\n"), ("a\r", "a\r"), ("\n", ""), ("", ""), (" a \n", " a "),
    ])
    func `one newline at the end is no part of a text`(file: String, text: String) {
        #expect(SecretBytes(file).trimmingTrailingNewline().copy == Array(text.utf8))
    }

    @Test func `the pages are out of dumps and of forked children`() throws {
        let secret = SecretBytes("hunter2")
        let address = unsafe secret.withUnsafeBytes { bytes in UInt(bitPattern: bytes.baseAddress) }
        let maps = String(decoding: try contents(of: "/proc/self/smaps"), as: UTF8.self)
        var isOurs = false
        var flags: Substring?
        for line in maps.split(separator: "\n") {
            let fields = line.split(separator: " ")
            let range = (fields.first ?? "").split(separator: "-").compactMap { UInt($0, radix: 16) }
            if range.count == 2 { isOurs = (range[0]..<range[1]).contains(address) }
            if isOurs, line.hasPrefix("VmFlags:") { flags = line }
        }
        // dd: not dumped, wf: wiped on fork (proc(5)).
        let found = try #require(flags).split(separator: " ")
        #expect(found.contains("dd") && found.contains("wf"))
    }

    private func contents(of path: String) throws -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return all }
            all += buffer.prefix(count)
        }
    }

    @Test func `a secret of the environment is taken out of it`() throws {
        unsafe setenv("SALLYPORT_TEST_TAKEN", "hunter2", 1)
        let place = unsafe getenv("SALLYPORT_TEST_TAKEN")
        #expect(try SecretBytes.fromEnvironment("SALLYPORT_TEST_TAKEN").copy == Array("hunter2".utf8))
        #expect(unsafe getenv("SALLYPORT_TEST_TAKEN") == nil)
        #expect(unsafe place?.pointee == 0)
        #expect(throws: AuthenticationError.self) { try SecretBytes.fromEnvironment("SALLYPORT_TEST_TAKEN") }
    }

    @Test(arguments: ["", " ", "\n"])
    func `an empty secret of the environment is refused`(value: String) {
        unsafe setenv("SALLYPORT_TEST_EMPTY", value, 1)
        let error = #expect(throws: AuthenticationError.self) { try SecretBytes.fromEnvironment("SALLYPORT_TEST_EMPTY") }
        #expect(error?.code == .emptySecret)
    }
}
