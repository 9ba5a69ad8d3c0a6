import Authentication
import Testing

@testable import Audit

struct SignedNoteTests {
    /// Of the documentation of Go's golang.org/x/mod/sumdb/note.
    private static let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    private static let seed = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
    private static let note =
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        + "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

    @Test func `the reference's note is verified under the reference's key`() throws {
        let key = try NoteKey(text: Self.key)
        #expect(key.description == Self.key)
        let note = try SignedNote(Self.note.utf8)
        #expect(note.verify([key]))
        #expect(note.bytes == Array(Self.note.utf8))
    }

    @Test func `a note that is signed here is the reference's, byte for byte`() throws {
        let seed = try #require(Base64.decode(Self.seed.utf8)).dropFirst()
        // RFC 8410: a private key of Ed25519.
        let der = try #require(Hex.decode("302e020100300506032b657004220420".utf8)) + seed
        let pem = "-----BEGIN PRIVATE KEY-----\n\(Base64.encode(der))\n-----END PRIVATE KEY-----\n"
        let key = try Ed25519PrivateKey(pem: SecretBytes(copying: pem.utf8), origin: "test")
        let text = try SignedNote(Self.note.utf8).text
        #expect(
            try SignedNote(text, by: NoteKey(name: "PeterNeumann", key: key.publicKey), with: key).bytes == Array(Self.note.utf8))
    }

    @Test func `a note of which one bit is another is none, or not signed`() throws {
        let key = try NoteKey(text: Self.key)
        let good = Array(Self.note.utf8)
        for place in good.indices {
            for bit in 0..<8 {
                var bytes = good
                bytes[place] ^= 1 << UInt8(bit)
                #expect((try? SignedNote(bytes).verify([key])) != true, "byte \(place), bit \(bit)")
            }
        }
        for count in good.indices { #expect((try? SignedNote(good.prefix(count)).verify([key])) != true) }
    }

    @Test func `signatures of others are left out, and a bad one of ours spoils the note`() throws {
        let (mine, other) = (try Ed25519PrivateKey.generate(), try Ed25519PrivateKey.generate())
        let checkpoint = Checkpoint(origin: "log", size: 3, root: .empty)
        let (note, foreign) = (try checkpoint.signed(with: mine), try checkpoint.signed(with: other))
        let key = try NoteKey(name: "log", key: mine.publicKey)
        let text = String(decoding: note.bytes, as: UTF8.self)
        let line = String(decoding: foreign.bytes.dropFirst(foreign.text.utf8.count + 1), as: UTF8.self)
        #expect(try SignedNote((text + line).utf8).verify([key]))
        #expect(try SignedNote(text.utf8).verify([NoteKey(name: "log", key: other.publicKey)]) == false)
        #expect(try SignedNote(text.utf8).verify([NoteKey(name: "another", key: mine.publicKey)]) == false)
        let forged = "— log \(Base64.encode(key.id + foreign.signatures[0].bytes))\n"
        #expect(try SignedNote((text + forged).utf8).verify([key]) == false)
    }

    @Test func `sixteen signatures are read and seventeen are not`() throws {
        let line = String(Self.note.split(separator: "\n", omittingEmptySubsequences: false)[3]) + "\n"
        #expect(throws: Never.self) { try SignedNote(("text\n\n" + String(repeating: line, count: 16)).utf8) }
        #expect(throws: AuditError.self) { try SignedNote(("text\n\n" + String(repeating: line, count: 17)).utf8) }
    }

    @Test(arguments: ["", "a b", "a+b", "a\nb", String(repeating: "a", count: 129), "ä"])
    func `a name that could be read as something else is refused`(name: String) throws {
        #expect(!NoteKey.isName(name))
        #expect(NoteKey.isName(String(repeating: "a", count: 128)))
    }

    @Test func `a checkpoint is read as it was written, and nothing else is one`() throws {
        let key = try Ed25519PrivateKey.generate()
        let checkpoint = Checkpoint(origin: "sallyport/executor", size: 258, root: .leaf([1]))
        let trust = CheckpointTrust(keys: [key.publicKey])
        #expect(try trust.open(SignedNote(checkpoint.signed(with: key).bytes)) == checkpoint)
        let root = Base64.encode(MerkleHash.empty.bytes)
        for text in [
            "log\n1\n", "log\n01\n\(root)\n", "log\n-1\n\(root)\n", "log\n+1\n\(root)\n", "log\n1\n\(root)\nmore\n",
            "l g\n1\n\(root)\n",
            "log\n1\nAAAA\n", "log\n9223372036854775808\n\(root)\n",
        ] {
            #expect(throws: AuditError.self, "\(text)") { try Checkpoint(text: text) }
        }
        #expect(try Checkpoint(text: "log\n0\n\(root)\n").size == 0)
    }

    @Test func `a checkpoint under another name than its origin is not believed`() throws {
        let key = try Ed25519PrivateKey.generate()
        let text = Checkpoint(origin: "log", size: 0, root: .empty).text
        let note = try SignedNote(text, by: NoteKey(name: "other", key: key.publicKey), with: key)
        #expect(throws: AuditError.self) { try CheckpointTrust(keys: [key.publicKey]).open(note) }
    }
}
