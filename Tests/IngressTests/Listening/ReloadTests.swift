import Authentication
import Settings
import TestSupport
import Testing

@testable import Ingress
@testable import SettingsReload

@Suite struct ReloadTests {
    private func fixed(_ text: String) throws -> FixedSettings {
        let file = try SettingsFile(text: text, file: "ingress.yaml")
        return FixedSettings(file.root.mapping(IngressSettings.keys))
    }

    private static let base = "listen: {address: a, port: 1}\nexecutor: {socket: s}\nhooks: {a: {}}\n"

    @Test func `hooks, limits, who may ask after jobs, the certificate and the layout may change`() throws {
        let old = try fixed(Self.base)
        #expect(try fixed("# x\n" + Self.base.replacing("{a: {}}", with: "{b: {}}")).differences(from: old) == [])
        #expect(try fixed(Self.base + "limits: {waiting: 1}\n").differences(from: old) == [])
        #expect(try fixed(Self.base + "jobs: {token: {issuer: x}}\n").differences(from: old) == [])
        #expect(
            try fixed("hooks: {}\nlisten:\n  port: 1\n  address: a\nexecutor:\n  socket: \"s\"\n").differences(from: old) == [])
        let secure = Self.base.replacing("port: 1", with: "port: 1, tls: {certificate: a}")
        #expect(try fixed(secure.replacing("certificate: a", with: "certificate: b")).differences(from: fixed(secure)) == [])
    }

    @Test(arguments: [
        ("port: 1", "port: 2", "listen.port"), ("address: a", "address: b", "listen.address"),
        ("address: a, port: 1", "unix: /s", "listen.address listen.port listen.unix"),
        ("port: 1", "port: 1, tls: {}", "listen.tls"),
        ("socket: s", "socket: s, mode: \"0600\"", "executor"), ("hooks:", "sandbox: {minimum-landlock: 1}\nhooks:", "sandbox"),
        ("hooks:", "operations: {unix: /o}\nhooks:", "operations"),
        ("hooks:", "trusted-proxies: [10.0.0.0/8]\nhooks:", "trusted-proxies"),
    ])
    func `what needs a restart is named`(old: String, new: String, keys: String) throws {
        let changed = try fixed(Self.base.replacing(old, with: new))
        #expect(try changed.differences(from: fixed(Self.base)).joined(separator: " ") == keys)
        #expect(try fixed(Self.base).differences(from: changed).joined(separator: " ") == keys)
    }

    @Test func `files that one process read are the same files to another`() throws {
        let folder = try TemporaryFolder()
        let secret = try folder.write("secret", "top")
        let open = try folder.write("open", "top", mode: 0o644)
        let text = try folder.write("text", "héllo")
        let empty = try folder.write("empty", "")
        let record = FileView()
        func read() -> [String] {
            [
                (try? SecretBytes.read(file: secret)).map { "\($0.count)" } ?? "none",
                (try? SettingsFile.text(of: text)) ?? "none", (try? SettingsFile.text(of: empty)) ?? "none",
                Result { try SecretBytes.read(file: open) }.failure,
                Result { try SettingsFile.text(of: "\(folder.path)/no") }.failure,
            ]
        }
        let onDisk = FileView.$current.withValue(record) { read() }
        let bytes = try #require(FileRecord.encode(record))
        let carried = bytes.withUnsafeBytes { SecretBytes(copying: $0.dropFirst(8)) }
        let copy = try #require(FileRecord.decode(carried))
        #expect(copy.entries.count == 5)
        #expect(FileView.$current.withValue(copy) { read() } == onDisk)
        #expect(onDisk[0] == "3")
        #expect(onDisk[1] == "héllo")
        #expect(onDisk[3].contains("chmod 600"))
        // What the record has not, the disk is not asked for.
        #expect(
            FileView.$current.withValue(FileView([])) { Result { try SettingsFile.text(of: text) }.failure }.contains("SIGHUP"))
    }

    @Test func `a record that is cut anywhere is no record`() throws {
        let record = FileView()
        record.record(.text, "/a", .bytes(SecretBytes(copying: "x".utf8)))
        let bytes = try #require(FileRecord.encode(record)).withUnsafeBytes { Array($0) }
        #expect(bytes.prefix(8).reduce(0) { $0 << 8 | Int($1) } == bytes.count - 8)
        for length in 1..<(bytes.count - 8) {
            #expect(FileRecord.decode(SecretBytes(copying: bytes[8..<8 + length])) == nil, "\(length)")
        }
        var huge = Array(bytes.dropFirst(8))
        huge[2] = 0xff
        #expect(FileRecord.decode(SecretBytes(copying: huge)) == nil)
    }
}

extension Result {
    fileprivate var failure: String { if case .failure(let error) = self { "\(error)" } else { "none" } }
}
