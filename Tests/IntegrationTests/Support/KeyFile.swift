import Foundation
import TestSupport

/// Files of private Ed25519 keys, in PKCS#8 or OpenSSH's form.
enum KeyFile {
    /// The 32 bytes that are the secret, and the line of the file in which they stand, or at least begin.
    static func secret(in file: URL) throws -> (seed: Data, line: String) {
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("-") }
        guard let bytes = Data(base64Encoded: lines.joined()) else { throw TestBedError("no key in \(file.path)") }
        // Of PKCS#8 they are the end; in OpenSSH's form the seed is the first half of a string of 64 bytes.
        var start = bytes.count - 32
        if lines.count > 1, let pair = bytes.range(of: Data([0, 0, 0, 64])) { start = pair.upperBound }
        return (bytes.subdata(in: start..<start + 32), String(lines[start * 4 / 3 / lines[0].utf8.count]))
    }
}
