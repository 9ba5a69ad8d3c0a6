/// The characters of a token (RFC 9110 section 5.6.2), of which header names are made.
public enum HeaderToken {
    /// The byte may stand in a token.
    public static func contains(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }

    /// At least one character and nothing else.
    public static func isToken(_ text: some StringProtocol) -> Bool { !text.isEmpty && text.utf8.allSatisfy(contains) }
}
