import Glibc
import Testing

@testable import Sandbox

struct StartUpPagesTests {
    /// Pages of files in this process's memory: the third number of /proc/self/statm (proc(5)).
    private func filePages() throws -> Int {
        let file = try #require(unsafe fopen("/proc/self/statm", "r"))
        defer { unsafe fclose(file) }
        var text = [CChar](repeating: 0, count: 256)
        _ = unsafe fgets(&text, Int32(text.count), file)
        let numbers = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return try #require(numbers.count > 2 ? Int(numbers[2]) : nil)
    }

    @Test func `pages of programs and libraries leave, and the program runs on`() throws {
        let before = try filePages()
        StartUpPages.giveBack()
        let after = try filePages()
        #expect(after < before)
        #expect(SandboxProfile.ingress.rules.count > 10)
    }
}
