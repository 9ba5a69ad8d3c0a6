import Settings
import Testing

@Suite struct SettingsValueTests {
    private enum Answer: String, CaseIterable { case sync, async }

    /// Reads the value of `v`; nil and one problem, or a value and none.
    private func read<T>(_ yaml: String, _ body: (SettingsNode) -> T?) throws -> T? {
        let file = try SettingsFile(text: "v: \(yaml)\n", file: "/etc/sallyport/s.yaml")
        let value = body(file.root.mapping("v").required("v"))
        do throws(SettingsProblems) {
            try file.finish()
            #expect(value != nil, "\(yaml) has neither a value nor a problem")
        } catch {
            #expect(value == nil, "\(yaml) has a value and a problem")
            #expect(error.problems.count == 1, "\(error)")
            #expect(error.problems.allSatisfy { $0.path.hasPrefix("v") && $0.line == 1 }, "\(error)")
        }
        return value
    }

    @Test(
        arguments: [
            ("1", 1), ("100", 100), ("0", nil), ("101", nil), ("007", nil), ("0x10", nil), ("1_0", nil), ("+5", nil), ("-1", nil),
            ("1.0", nil),
            ("ten", nil), ("", nil), ("~", nil), ("null", nil), ("[1]", nil), ("{a: 1}", nil), ("99999999999999999999", nil),
        ] as [(String, Int?)])
    func `a whole number is plain and within its range`(yaml: String, expected: Int?) throws {
        #expect(try read(yaml) { $0.int(in: 1...100) } == expected)
    }

    @Test(
        arguments: [
            ("500ms", .milliseconds(500)), ("25s", .seconds(25)), ("2m", .seconds(120)), ("1h", .seconds(3600)),
            ("30d", .seconds(2_592_000)),
            ("31d", nil), ("499ms", nil), ("25", nil), ("25 s", nil), ("s", nil), ("1.5s", nil), ("-1s", nil), ("2M", nil),
            ("٣s", nil),
            ("99999999999d", nil), ("", nil),
        ] as [(String, Duration?)])
    func `a time has its unit`(yaml: String, expected: Duration?) throws {
        #expect(try read(yaml) { $0.duration(in: .milliseconds(500) ... .seconds(2_592_000)) } == expected)
    }

    @Test func `a time out of range says the range as it would be written`() throws {
        let file = try SettingsFile(text: "v: 1d", file: "s.yaml")
        _ = file.root.mapping("v").required("v").duration(in: .milliseconds(1500) ... .seconds(7200))
        let error = #expect(throws: SettingsProblems.self) { try file.finish() }
        #expect(error?.description == "s.yaml:1: v: expected a time from 1500ms to 2h")
    }

    @Test(
        arguments: [
            ("512B", 512), ("16KiB", 16384), ("1MiB", 1_048_576), ("2MiB", nil), ("511B", nil), ("16KB", nil), ("16", nil),
            ("", nil),
        ] as [(String, Int?)])
    func `a size has its unit`(yaml: String, expected: Int?) throws {
        #expect(try read(yaml) { $0.byteCount(in: 512...1_048_576) } == expected)
    }

    @Test(
        arguments: [("true", true), ("false", false), ("yes", nil), ("on", nil), ("1", nil), ("True", nil)] as [(String, Bool?)])
    func `only true and false are truth values`(yaml: String, expected: Bool?) throws {
        #expect(try read(yaml) { $0.bool() } == expected)
    }

    @Test(
        arguments: [
            ("\"0660\"", 0o660), ("\"0600\"", 0o600), ("0660", 0o660), ("660", nil), ("0o660", nil), ("\"0666\"", nil),
            ("\"0980\"", nil), ("432", nil),
        ] as [(String, UInt32?)])
    func `a file mode is octal and gives others nothing`(yaml: String, expected: UInt32?) throws {
        #expect(try read(yaml) { $0.fileMode() } == expected)
    }

    @Test(arguments: [("sync", .sync), ("async", .async), ("Sync", nil), ("", nil), ("[sync]", nil)] as [(String, Answer?)])
    private func `a choice is one of its cases`(yaml: String, expected: Answer?) throws {
        #expect(try read(yaml) { $0.choice(Answer.self) } == expected)
    }

    @Test(arguments: [
        ("deploy", true), ("a.b_c-1", true), ("0", true), (String(repeating: "a", count: 64), true),
        (String(repeating: "a", count: 65), false),
        ("-a", false), ("a b", false), ("a/b", false), ("é", false), ("\"\"", false),
    ])
    func `a name is short and plain`(yaml: String, isGood: Bool) throws {
        #expect(try read(yaml) { $0.name() } == (isGood ? yaml : nil))
    }

    @Test(
        arguments: [("abcd", "abcd"), ("abcde", nil), ("\"\"", nil), ("\"~\"", "~"), ("ééé", nil), ("éé", "éé")]
            as [(String, String?)])
    func `a text is limited in bytes`(yaml: String, expected: String?) throws {
        #expect(try read(yaml) { $0.string(maximumLength: 4) } == expected)
    }

    @Test func `a path is taken from the folder of the settings file`() throws {
        #expect(try read("/run/a.sock") { $0.filePath() } == "/run/a.sock")
        #expect(try read("keys/a") { $0.filePath() } == "/etc/sallyport/keys/a")
    }

    @Test func `a socket path is as long as the system allows`() throws {
        let longest = "/" + String(repeating: "s", count: SettingsNode.maximumSocketPath - 1)
        #expect(try read(longest) { $0.socketPath() } == longest)
        #expect(try read(longest + "s") { $0.socketPath() } == nil)
    }

    @Test func `a list may be one text alone`() throws {
        #expect(try read("a") { $0.strings(maximum: 2) } == ["a"])
        #expect(try read("[a, b]") { $0.strings(maximum: 2) } == ["a", "b"])
    }

    @Test func `user ids leave out the one that is everybody`() throws {
        #expect(try read("[0, 65533]") { $0.uids() } == [0, 65533])
        for yaml in ["[65534]", "[]", "[-1]", "7"] {
            let file = try SettingsFile(text: "v: \(yaml)", file: "s.yaml")
            _ = file.root.mapping("v").required("v").uids()
            #expect(throws: SettingsProblems.self, "\(yaml)") { try file.finish() }
        }
    }
}
