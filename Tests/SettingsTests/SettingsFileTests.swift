import Glibc
import Settings
import TestSupport
import Testing

@Suite struct SettingsFileTests {
    private func problems(_ text: String, reading: (SettingsNode) -> Void = { _ in }) -> [String] {
        do throws(SettingsProblems) {
            let file = try SettingsFile(text: text, file: "s.yaml")
            reading(file.root)
            try file.finish()
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func `good settings are no problem`() {
        var port: Int?
        var wait: Duration?
        let found = problems("listen: { address: 127.0.0.1, port: 8080 }\nwait: 25s\n") { root in
            let settings = root.mapping("listen", "wait", "grace")
            port = settings.required("listen").mapping("address", "port").required("port").int(in: 1...65535)
            wait = settings.required("wait").duration(in: .seconds(1) ... .seconds(60))
            #expect(!settings.optional("grace").isPresent)
        }
        #expect(found.isEmpty)
        #expect(port == 8080)
        #expect(wait == .seconds(25))
    }

    @Test func `all problems come at once, in the order of the file, each with its line and path`() {
        let text = """
            lisen: {}
            hooks:
              github:
                wait: 25
                job: "no name"
              "bad name": {}
              gitlab: [1]
            """
        let found = problems(text) { root in
            let settings = root.mapping("listen", "hooks")
            for hook in settings.required("hooks").entries() {
                let keys = hook.value.mapping("wait", "job", "respond")
                _ = keys.required("respond").bool()
                _ = keys.required("job").name()
                _ = keys.required("wait").duration(in: .zero ... .seconds(60))
            }
            _ = settings.required("listen").mapping("port")
        }
        #expect(
            found == [
                "s.yaml:1: `listen` is missing",
                "s.yaml:1: lisen: unknown key; did you mean `listen`?",
                "s.yaml:4: hooks.github: `respond` is missing",
                "s.yaml:4: hooks.github.wait: expected a time with its unit, such as 500ms, 25s, 2m, 1h or 30d",
                "s.yaml:5: hooks.github.job: not a name: letters, digits, `.`, `_` and `-`, beginning with a letter or digit, 64 at most",
                "s.yaml:6: hooks.bad name: not a name: letters, digits, `.`, `_` and `-`, beginning with a letter or digit, 64 at most",
                "s.yaml:7: hooks.gitlab: expected a mapping of wait, job, respond",
            ])
    }

    @Test func `an unknown key far from any names the known ones`() {
        #expect(
            problems("colour: 1") { _ = $0.mapping("port", "address") } == [
                "s.yaml:1: colour: unknown key; known are port, address"
            ])
    }

    @Test(arguments: [
        ("a: [1", 1, "not YAML"), ("a: 1\nb: {", 2, "not YAML"), ("a: 1\n\tb: 2", 2, "not YAML"),
        ("a: 1\na: 2", 1, "the same key twice: a"),
        ("x:\n  a: 1\n  b: 2\n  a: 3", 2, "the same key twice: a"), ("a: &x 1\nb: *x", 1, "anchors"), ("a: *x", 1, "not YAML"),
        ("a: 1\nb:\n  - &y [1]", 3, "anchors"), ("a: !vault secret", 1, "tag"), ("a: !!binary aGk=", 1, "tag"),
        ("a: 1\n---\nb: 2", 2, "not YAML"), ("", 1, "empty"), ("# nothing", 1, "empty"),
        ("1: a\n\"1\": b", 1, "the same key twice: 1"), ("a: 1\nb: \u{7}", 2, "not YAML: control characters"),
    ])
    func `what is not plain YAML is a problem with its line`(text: String, line: Int, message: String) {
        let error = #expect(throws: SettingsProblems.self) {
            let file = try SettingsFile(text: text, file: "s.yaml")
            try file.finish()
        }
        #expect(error?.problems.first?.line == line)
        #expect(error?.problems.first?.message.contains(message) == true, "\(error.map { "\($0)" } ?? "")")
    }

    @Test func `a bomb of aliases is refused at its first anchor`() {
        let text =
            "a: &a [x, x]\n" + zip("bcdefghijklmnop", "abcdefghijklmno").map { "\($0): &\($0) [*\($1), *\($1)]\n" }.joined()
        #expect(problems(text) == ["s.yaml:1: anchors (`&`) and aliases (`*`) are not supported; write the value again"])
    }

    @Test func `mappings and lists inside one another are limited in number`() {
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(problems(nested(100)).isEmpty)
        #expect(problems(nested(101)) == ["s.yaml:1: more than 100 mappings and lists inside one another"])
    }

    @Test func `a file is limited in size, to the byte`() {
        let full = "a: " + String(repeating: "x", count: SettingsFile.maximumSize - 3)
        #expect(problems(full).isEmpty)
        #expect(problems(full + "x") == ["s.yaml: has more than 1048576 bytes"])
    }

    @Test func `a file that cannot be read is a problem that says why`() {
        for (path, reason) in [("/nonexistent/s.yaml", "No such file"), ("/", "Is a directory")] {
            let error = #expect(throws: SettingsProblems.self) { try SettingsFile(path: path) }
            #expect(error?.description.hasPrefix("\(path): cannot be ") == true)
            #expect(error?.description.contains(reason) == true)
        }
    }

    @Test func `a file on disk is read whole, and must be UTF-8`() throws {
        let folder = try TemporaryFolder()
        let long = (0..<40_000).map { "  - entry \($0)" }.joined(separator: "\n")
        let path = try folder.write("s.yaml", Array("list:\n\(long)\n".utf8))
        #expect(try SettingsFile(path: path).root.mapping("list").required("list").elements().count == 40_000)
        let broken = try folder.write("broken.yaml", [0x61, 0x3a, 0x20, 0xff])
        #expect(throws: SettingsProblems.self) { try SettingsFile(path: broken) }
    }
}
