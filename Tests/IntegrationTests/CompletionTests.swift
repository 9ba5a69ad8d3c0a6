import Foundation
import TestSupport
import Testing

/// The command completes itself in bash.
@Suite struct CompletionTests {
    @Test func `the script that is printed for bash is one, and completes subcommands`() throws {
        let printed = try Command.run(try TestBed.binary("sallyport"), ["--generate-completion-script", "bash"])
        #expect(printed.code == 0)
        let script = FileManager.default.temporaryDirectory.appending(path: "sallyport-\(UUID().uuidString).bash")
        defer { try? FileManager.default.removeItem(at: script) }
        try printed.output.write(to: script, atomically: true, encoding: .utf8)
        #expect(try Command.run("/bin/bash", ["-n", script.path]).code == 0)
        func completions(_ words: String...) throws -> Set<String> {
            let last = words.last ?? ""
            let program = """
                . '\(script.path)'
                COMP_WORDS=(\(words.map { "'\($0)'" }.joined(separator: " "))); COMP_CWORD=\(words.count - 1)
                COMP_LINE='\(words.joined(separator: " "))'; COMP_POINT=${#COMP_LINE}
                _sallyport sallyport '\(last)' '\(words.dropLast().last ?? "")'
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            let run = try Command.run("/bin/bash", ["--norc", "-c", program])
            return Set(run.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) })
        }
        #expect(try completions("sallyport", "jobs", "l") == ["list"])
        #expect(try completions("sallyport", "hosts", "").isSuperset(of: ["check", "scan"]))
        #expect(try completions("sallyport", "stat") == ["status"])
        #expect(try completions("sallyport", "jobs", "list", "--corr").contains("--correlation"))
    }
}
