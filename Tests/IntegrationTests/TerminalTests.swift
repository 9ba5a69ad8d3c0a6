import Foundation
import TestSupport
import Testing

/// What an operator's terminal is given.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct TerminalTests {
    private static let jobs = """
          ugly:
            command: [printf, '\\033[31mred \\342\\200\\256backwards \\302\\2335n\\n']
            destinations: [web-1]
            timeout: 20s

        """

    private let bed: TestBed

    init() throws { bed = try TestBed(jobs: Self.jobs, hooks: DeliveryTests.hook("ugly")) }

    @Test func `control characters of a command are written out, in show and in tail, and tables fit the terminal`() throws {
        let event = "evt_" + String(repeating: "long", count: 30)
        #expect(try bed.deliver(hook: "ugly", event: event, signature: nil, token: nil).status == 200)
        let socket = bed.box.appending(path: "run/admin.sock").path
        for command in [["jobs", "show"], ["jobs", "tail", "-f"]] {
            let shown = try Command.run(try TestBed.binary("sallyport"), command + [event, "--socket", socket])
            #expect(shown.code == 0, "\(shown.errors)")
            let text = shown.output + shown.errors
            for scalar in ["\u{1b}", "\u{202e}", "\u{9b}"] { #expect(!text.contains(scalar)) }
            if command[1] == "show" { #expect(text.contains("\\u{1b}[31mred \\u{202e}backwards \\u{9b}5n"), "\(text)") }
        }
        for columns in [80, 100] {
            let program = "stty cols \(columns); NO_COLOR=1 '\(try TestBed.binary("sallyport"))' jobs list --socket '\(socket)'"
            let table = try Command.run("/usr/bin/script", ["-qec", program, "/dev/null"]).output
            let lines = table.split(whereSeparator: \.isNewline)
            #expect(lines.count == 2, "\(table)")
            #expect(lines.allSatisfy { $0.count <= columns && $0.hasPrefix("JOB") || $0.contains("succeed") }, "\(table)")
            #expect(lines[1].contains("…") == (columns == 100), "\(table)")
            #expect(!table.contains("\u{1b}"))
        }
    }
}
