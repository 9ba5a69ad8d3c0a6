import Authentication

extension SecretBytes {
    /// The UTF-8 bytes of `text`.
    convenience init(_ text: String) { self.init(copying: text.utf8) }

    /// A copy, to look at in a test.
    var copy: [UInt8] { unsafe withUnsafeBytes { bytes in unsafe Array(bytes) } }
}

extension Array where Element == UInt8 {
    /// Every copy that differs in one bit of one byte.
    var withOneBitChanged: [[UInt8]] {
        indices.map { index in
            var copy = self
            copy[index] ^= 1
            return copy
        }
    }
}
