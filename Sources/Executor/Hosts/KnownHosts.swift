internal import Authentication
internal import Settings

/// The pinned host keys, from a file in OpenSSH's known_hosts form (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
///
/// Understood: names, `[name]:port`, lists, `*` and `?` patterns, `!` negation, hashed names, `@revoked`. `@cert-authority` is refused,
/// because certificates of hosts are not checked here.
struct KnownHosts: Sendable {
    /// What the file says about a host.
    struct Lookup: Sendable {
        /// Keys that may be presented.
        var keys: [[UInt8]] = []
        /// Types that are pinned and cannot be used here, as in `ssh-rsa`.
        var unsupported: Set<String> = []
    }

    private struct Entry: Sendable {
        let names: [String]
        let type: String
        let key: [UInt8]
        let isRevoked: Bool
    }

    static let supportedTypes: Set<String> = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"]
    /// Bytes of a line, lines of a file.
    static let limits = (line: 16 * 1024, lines: 10_000)

    private let entries: [Entry]

    static let none = KnownHosts(entries: [])

    private init(entries: [Entry]) { self.entries = entries }

    /// Reads the file's text; what is wrong is told to `problem` with its line.
    init(text: String, problem: (Int, String) -> Void) {
        var entries: [Entry] = []
        // To Swift, a carriage return and a line feed are one character.
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        if lines.count > Self.limits.lines { problem(Self.limits.lines + 1, "the file has more than \(Self.limits.lines) lines") }
        for (index, line) in lines.prefix(Self.limits.lines).enumerated() {
            guard line.utf8.count <= Self.limits.line else {
                problem(index + 1, "the line has more than \(Self.limits.line) bytes")
                continue
            }
            do throws(LineError) {
                if let entry = try Self.entry(line) { entries.append(entry) }
            } catch {
                problem(index + 1, error.message)
            }
        }
        self.entries = entries
    }

    private static let advice =
        "certificates of hosts are not checked; pin each host's own key instead: sallyport hosts scan HOST --pin FILE"

    private struct LineError: Error { let message: String }

    private static func entry(_ line: Substring) throws(LineError) -> Entry? {
        var fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" })
        guard let first = fields.first, !first.hasPrefix("#") else { return nil }
        var isRevoked = false
        if first.hasPrefix("@") {
            guard first == "@revoked" else {
                throw LineError(
                    message: "\(first) is not supported: \(first == "@cert-authority" ? advice : "the marks are @revoked")")
            }
            isRevoked = true
            fields.removeFirst()
        }
        guard fields.count >= 3, let key = Base64.decode(Array(fields[2].utf8)) else {
            throw LineError(message: "expected names, a key type and a key in base64")
        }
        var reader = SSHReader(key)
        guard reader.text(limit: 64) == String(fields[1]) else { throw LineError(message: "the key is not of type \(fields[1])") }
        return Entry(
            names: fields[0].split(separator: ",").map { $0.hasPrefix("|") ? String($0) : $0.lowercased() },
            type: String(fields[1]), key: key, isRevoked: isRevoked)
    }

    /// The keys of the host at an address and port.
    func lookup(address: String, port: UInt16) -> Lookup {
        // Names are in lower case, as OpenSSH has them, those that it hashes too.
        let name = port == 22 ? address.lowercased() : "[\(address.lowercased())]:\(port)"
        var result = Lookup()
        var revoked: Set<[UInt8]> = []
        for entry in entries where Self.matches(entry.names, name) {
            if entry.isRevoked {
                revoked.insert(entry.key)
            } else if Self.supportedTypes.contains(entry.type) {
                result.keys.append(entry.key)
            } else {
                result.unsupported.insert(entry.type)
            }
        }
        result.keys.removeAll { revoked.contains($0) }
        return result
    }

    private static func matches(_ names: [String], _ name: String) -> Bool {
        var found = false
        for pattern in names {
            if pattern.hasPrefix("!") {
                if glob(Array(pattern.dropFirst().utf8)[...], Array(name.utf8)[...]) { return false }
            } else if pattern.hasPrefix("|1|") {
                found = hashed(pattern, name) || found
            } else {
                found = glob(Array(pattern.utf8)[...], Array(name.utf8)[...]) || found
            }
        }
        return found
    }

    /// `|1|salt|hash`: HMAC-SHA1 of the name under the salt.
    private static func hashed(_ pattern: String, _ name: String) -> Bool {
        let parts = pattern.split(separator: "|")
        guard parts.count == 3, let salt = Base64.decode(Array(parts[1].utf8)), let hash = Base64.decode(Array(parts[2].utf8)),
            let key = try? HMACKey(SecretBytes(copying: salt), hash: .sha1)
        else { return false }
        return ConstantTime.equal(key.code(for: Array(name.utf8)), hash)
    }

    /// `*` and `?`; the time is bounded by the lengths, both of which are.
    private static func glob(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        var (pattern, name) = (pattern, name)
        var retry: (ArraySlice<UInt8>, ArraySlice<UInt8>)?
        while !name.isEmpty {
            if let first = pattern.first, first == UInt8(ascii: "*") {
                pattern = pattern.dropFirst()
                retry = (pattern, name)
            } else if let first = pattern.first, first == UInt8(ascii: "?") || first == name.first {
                pattern = pattern.dropFirst()
                name = name.dropFirst()
            } else if let (after, at) = retry {
                pattern = after
                name = at.dropFirst()
                retry = (after, name)
            } else {
                return false
            }
        }
        return pattern.allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
