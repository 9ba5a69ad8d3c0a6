internal import CZlib
internal import FoundationEssentials
internal import ProtocolMessages
internal import SwiftProtobuf

/// A result as it stands in the journal: as it is while it is short, which most are, and compressed where a command has said much.
///
/// Compressed it begins with a zero byte, with which no message begins, and its length before; then zlib's form (RFC 1950) follows.
enum ResultBlob {
    /// Bytes from which on it is compressed.
    static let threshold = 1024
    /// Bytes that one may have; a result of 32 hosts has fewer.
    static let maximum = 1024 * 1024
    /// The fastest: every result is written, and few are read.
    private static let level: Int32 = 1
    private static let head = 5

    /// The bytes to be stored.
    static func pack(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= threshold else { return bytes }
        var length = compressBound(uLong(bytes.count))
        let packed = unsafe [UInt8](unsafeUninitializedCapacity: head + Int(length)) { buffer, count in
            unsafe buffer[0] = 0
            for index in 0..<4 { unsafe buffer[1 + index] = UInt8(truncatingIfNeeded: bytes.count >> (24 - 8 * index)) }
            let code = unsafe compress2(buffer.baseAddress?.advanced(by: head), &length, bytes, uLong(bytes.count), level)
            count = code == Z_OK ? head + Int(length) : 0
        }
        return packed.isEmpty || packed.count >= bytes.count ? bytes : packed
    }

    /// The result in what is stored.
    ///
    /// - Throws: an error when the bytes are not those of one.
    static func read(_ stored: Data) throws -> WireJobResult {
        guard stored.first == 0 else { return try WireJobResult(serializedBytes: stored) }
        let packed = [UInt8](stored)
        let count = packed.prefix(head).dropFirst().reduce(0) { $0 << 8 | Int($1) }
        guard packed.count > head, count <= maximum else { throw ResultBlobError(count: count) }
        var length = uLong(count)
        var code = Z_OK
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            code = unsafe packed.withUnsafeBufferPointer {
                unsafe uncompress(buffer.baseAddress, &length, $0.baseAddress?.advanced(by: head), uLong(packed.count - head))
            }
            filled = code == Z_OK ? Int(length) : 0
        }
        guard code == Z_OK, bytes.count == count else { throw ResultBlobError(count: count) }
        return try WireJobResult(serializedBytes: bytes)
    }
}

/// A compressed result that cannot be read: the journal's file is damaged.
struct ResultBlobError: Error, CustomStringConvertible {
    let count: Int
    var description: String {
        "a stored result of \(count) bytes cannot be decompressed; see sallyport-executor journal check"
    }
}
