/// Job ids: UUIDs of version 7 (RFC 9562 section 5.7), lower case with hyphens.
public enum JobID {
    /// `text` has that form.
    public static func isOne(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 36, bytes[14] == UInt8(ascii: "7") else { return false }
        return bytes.enumerated().allSatisfy { index, byte in
            [8, 13, 18, 23].contains(index)
                ? byte == UInt8(ascii: "-") : (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
        }
    }
}
