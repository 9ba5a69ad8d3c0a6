import Testing

@testable import SSH

struct MarkScannerTests {
    private let nonce = "0123456789abcdef0123456789abcdef"

    private func scan(_ pieces: [String]) -> (marks: [MarkScanner.Mark], output: String, scanner: MarkScanner) {
        var scanner = MarkScanner(nonce: Array(nonce.utf8))
        var marks: [MarkScanner.Mark] = []
        var output: [UInt8] = []
        for piece in pieces { marks += scanner.scan(Array(piece.utf8)[...]) { output += $0 } }
        return (marks, String(decoding: output, as: UTF8.self), scanner)
    }

    @Test
    func `marks are found and taken out wherever the stream was cut in two, and what comes after the trailer is nobody's output`()
    {
        let stream = "noise of a login shell\n\(nonce) ready 4711\n\(nonce) begin\nfirst 0123456789abc\nlast\(nonce) exit 3\nlate"
        for cut in 0...stream.utf8.count {
            let (head, tail) = (String(stream.prefix(cut)), String(stream.dropFirst(cut)))
            let (marks, output, scanner) = scan([head, tail])
            #expect(marks == [.ready(processGroup: 4711), .begin, .exit(code: 3)], "cut at \(cut)")
            #expect(output == "first 0123456789abc\nlast", "cut at \(cut)")
            #expect(scanner.preamble == Array("noise of a login shell\n".utf8), "cut at \(cut)")
        }
    }

    @Test func `a stream that comes byte by byte gives the same`() {
        let stream = "\(nonce) begin\nabc0123\(nonce) exit 0\n"
        let (marks, output, _) = scan(stream.map(String.init))
        #expect(marks == [.begin, .exit(code: 0)])
        #expect(output == "abc0123")
    }

    @Test func `output is given out at once unless it may be the beginning of a mark`() {
        #expect(scan(["\(nonce) begin\n", "50 %"]).output == "50 %")
        #expect(scan(["\(nonce) begin\n", "50 0123"]).output == "50 ")
        #expect(scan(["\(nonce) begin\n", "50 0123", "x"]).output == "50 0123x")
    }

    @Test func `another nonce, or a part of one, is output`() {
        let other = String(nonce.reversed())
        let (marks, output, _) = scan(["\(nonce) begin\n\(other) exit 0\n\(nonce.dropLast()) exit 0\n"])
        #expect(marks == [.begin])
        #expect(output == "\(other) exit 0\n\(nonce.dropLast()) exit 0\n")
    }

    @Test func `a nonce whose line does not end stays output, and what comes after it is still looked at`() {
        let long = String(repeating: "x", count: MarkScanner.maximumLine)
        let (marks, output, _) = scan(["\(nonce) begin\n\(nonce)\(long)\(nonce) exit 9\n"])
        #expect(marks == [.begin, .exit(code: 9)])
        #expect(output == nonce + long)
    }

    @Test(arguments: ["exit", "exit x", "ready", "ready 0", "ready 1", "ready -5", "ready 99999999999", "gone 1", "begin 1", ""])
    func `a line that means nothing is no mark`(line: String) {
        #expect(scan(["\(nonce) begin\n\(nonce) \(line)\n"]).marks == [.begin])
    }

    @Test func `what was held back is output when the stream ends`() {
        var scanner = MarkScanner(nonce: Array(nonce.utf8))
        var output: [UInt8] = []
        _ = scanner.scan(Array("\(nonce) begin\nend 012345".utf8)[...]) { output += $0 }
        scanner.flush { output += $0 }
        #expect(String(decoding: output, as: UTF8.self) == "end 012345")
    }

    @Test func `of the noise before the first mark only the beginning is kept`() {
        let (_, output, scanner) = scan([String(repeating: "a", count: 200), String(repeating: "b", count: 200)])
        #expect(output.isEmpty)
        #expect(scanner.preamble.count == MarkScanner.maximumPreamble)
    }
}
