import Authentication
import Glibc
import Settings
import TestSupport
import Testing

@Suite struct SettingsSecretTests {
    private func bytes(_ secret: SecretBytes?) -> [UInt8]? {
        secret.map { unsafe $0.withUnsafeBytes { bytes in unsafe Array(bytes) } }
    }

    @Test func `a secret file is read without its last newline`() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("secret", Array("hunter2\n".utf8))
        let file = try SettingsFile(text: "v: { file: secret }", file: folder.path + "/s.yaml")
        #expect(bytes(file.root.mapping("v").required("v").secret()) == Array("hunter2".utf8))
        #expect(bytes(file.root.mapping("v").required("v").secret(isText: false)) == Array("hunter2\n".utf8))
        try file.finish()
    }

    @Test func `a secret of the environment serves every place that names it, and a second reading of the settings`() throws {
        unsafe setenv("SALLYPORT_TEST_SECRET", "hunter2", 1)
        for _ in 0..<2 {
            let file = try SettingsFile(
                text: "a: { env: SALLYPORT_TEST_SECRET }\nb: { env: SALLYPORT_TEST_SECRET }", file: "s.yaml")
            let root = file.root.mapping("a", "b")
            #expect(bytes(root.required("a").secret()) == Array("hunter2".utf8))
            #expect(bytes(root.required("b").secret()) == Array("hunter2".utf8))
            try file.finish()
            #expect(unsafe getenv("SALLYPORT_TEST_SECRET") == nil)
        }
    }

    @Test(arguments: [
        ("hunter2", "a secret never stands in the settings"), ("{ env: A, file: b }", "write either"), ("{}", "write either"),
        ("{ env: SALLYPORT_TEST_ABSENT }", "SALLYPORT_TEST_ABSENT is not set"), ("{ file: /nonexistent/x }", "/nonexistent/x"),
        ("{ value: hunter2 }", "unknown key"), ("[hunter2]", "a secret never stands"),
    ])
    func `a place that is none is a problem, and no secret is in it`(yaml: String, message: String) throws {
        let file = try SettingsFile(text: "x: 1\nv: \(yaml)", file: "s.yaml")
        #expect(file.root.mapping("x", "v").required("v").secret() == nil)
        let error = #expect(throws: SettingsProblems.self) { try file.finish() }
        #expect(error?.problems.first?.line == 2)
        #expect(error?.description.contains(message) == true, "\(error.map { "\($0)" } ?? "")")
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test func `a secret file that others can read is a problem`() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("secret", Array("hunter2".utf8), mode: 0o644)
        let file = try SettingsFile(text: "v: { file: secret }", file: folder.path + "/s.yaml")
        #expect(file.root.mapping("v").required("v").secret() == nil)
        let error = #expect(throws: SettingsProblems.self) { try file.finish() }
        #expect(error?.description.contains("chmod") == true)
    }

    @Test func `an empty secret is a problem`() throws {
        unsafe setenv("SALLYPORT_TEST_EMPTY", "", 1)
        let file = try SettingsFile(text: "v: { env: SALLYPORT_TEST_EMPTY }", file: "s.yaml")
        #expect(file.root.mapping("v").required("v").secret() == nil)
        #expect(throws: SettingsProblems.self) { try file.finish() }
    }
}
