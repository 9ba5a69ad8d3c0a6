import Foundation
import Glibc
import TestSupport

/// An authority with certificates for the server and a client, made by openssl.
struct Certificates {
    let folder: URL

    init(_ folder: URL) throws {
        self.folder = folder
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
            "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
        try issue("server", names: "DNS:localhost,IP:127.0.0.1")
        try issue("client", names: "DNS:ci.example,URI:spiffe://example/ci")
    }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    func issue(_ name: String, names: String) throws {
        try openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=\(name)", "-keyout",
            "\(name).key", "-out", "\(name).csr")
        try "subjectAltName=\(names)\n".write(to: folder.appending(path: "ext"), atomically: true, encoding: .utf8)
        try openssl(
            "x509", "-req", "-in", "\(name).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile",
            "ext", "-out", "\(name).pem")
        chmod(path("\(name).key"), 0o600)
    }

    private func openssl(_ arguments: String...) throws {
        let files = ["-keyout", "-out", "-in", "-CA", "-CAkey", "-extfile"]
        let whole = arguments.enumerated().map { index, text in
            index > 0 && files.contains(arguments[index - 1]) ? path(text) : text
        }
        let made = try Command.run("/usr/bin/openssl", whole)
        guard made.code == 0 else { throw TestBedError("openssl: \(made.errors)") }
    }
}
