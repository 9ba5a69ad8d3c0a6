/// A number as exact as it was written, for comparing: no digit is lost, as one would be in a `Double`.
public struct DecimalNumber: Sendable, Comparable {
    /// Largest exponent, up and down, that is understood. A number beyond is none: nobody counts that far.
    public static let maximumExponent = 1_000_000
    /// Bytes of a number. What is longer is none, so that looking at a text costs little whatever a sender makes of it.
    public static let maximumLength = 1024

    private let isNegative: Bool
    /// Significant digits without zeros at either end; none for zero.
    private let digits: [UInt8]
    /// The value is 0.digits × 10^scale.
    private let scale: Int

    /// The number that `text` is in the grammar of JSON (RFC 8259 section 6), with nothing around it; nil when it is none, or
    /// beyond ``maximumLength`` or ``maximumExponent``.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, let value = try? JSONValue.parse(text.utf8), let number = value.number,
            number.text.hasSameBytes(as: text)
        else {
            return nil
        }
        var digits: [UInt8] = []
        var beforePoint: Int?
        let mantissa = text.utf8.prefix { $0 | 0x20 != UInt8(ascii: "e") }
        for byte in mantissa {
            if byte == UInt8(ascii: ".") { beforePoint = digits.count }
            if (0x30...0x39).contains(byte) { digits.append(byte) }
        }
        var exponent = 0
        let written = text.utf8.dropFirst(mantissa.count + 1)
        if !written.isEmpty {
            guard let value = Int(String(decoding: written, as: UTF8.self)),
                (-Self.maximumExponent...Self.maximumExponent).contains(value)
            else { return nil }
            exponent = value
        }
        let leading = digits.prefix { $0 == 0x30 }.count
        let trailing = leading == digits.count ? 0 : digits.reversed().prefix { $0 == 0x30 }.count
        scale = leading == digits.count ? 0 : (beforePoint ?? digits.count) - leading + exponent
        self.digits = Array(digits[leading..<(digits.count - trailing)])
        isNegative = text.utf8.first == UInt8(ascii: "-") && !self.digits.isEmpty
    }

    /// By value: 1, 1.0 and 10e-1 are equal, and 0 is -0.
    public static func == (left: DecimalNumber, right: DecimalNumber) -> Bool { !(left < right) && !(right < left) }

    /// By value.
    public static func < (left: DecimalNumber, right: DecimalNumber) -> Bool {
        guard left.isNegative == right.isNegative else { return left.isNegative }
        return left.isNegative ? right.isCloserToZero(than: left) : left.isCloserToZero(than: right)
    }

    private func isCloserToZero(than other: DecimalNumber) -> Bool {
        guard !digits.isEmpty, !other.digits.isEmpty else { return digits.isEmpty && !other.digits.isEmpty }
        guard scale == other.scale else { return scale < other.scale }
        return digits.lexicographicallyPrecedes(other.digits)
    }
}
