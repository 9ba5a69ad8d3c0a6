#if PostgreSQL
    internal import CPostgreSQL

    /// A parameter of a statement. All of them go in PostgreSQL's binary form, so that none is ever part of its text.
    enum PostgreSQLValue: Sendable {
        case null
        case int(Int64)
        case text(String)
        case bytes([UInt8])
        case bool(Bool)

        /// The type's number (pg_type.dat).
        var type: UInt32 {
            switch self {
            case .null: 0
            case .bool: 16
            case .bytes: 17
            case .int: 20
            case .text: 25
            }
        }

        /// Its bytes; nil for null.
        var bytes: [UInt8]? {
            switch self {
            case .null: nil
            case .bool(let value): [value ? 1 : 0]
            case .bytes(let value): value
            case .int(let value): (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
            case .text(let value): Array(value.withoutNUL.utf8)
            }
        }

        static func int(_ value: Int64?) -> PostgreSQLValue { value.map { .int($0) } ?? .null }
        static func bytes(_ value: [UInt8]?) -> PostgreSQLValue { value.map { .bytes($0) } ?? .null }
    }

    /// The rows that a statement returned, in PostgreSQL's binary form.
    @safe final class PostgreSQLRows {
        private let result: OpaquePointer

        /// Takes the result over.
        init(_ result: OpaquePointer) { unsafe self.result = unsafe result }

        deinit { unsafe PQclear(result) }

        var count: Int { Int(unsafe PQntuples(result)) }

        /// Rows that were changed, of a statement that changes some.
        var changed: Int { Int(unsafe String(cString: PQcmdTuples(result))) ?? 0 }

        /// What the statement was, as the server says it.
        var tag: String { unsafe String(cString: PQcmdStatus(result)) }

        /// Each of them.
        var all: [PostgreSQLRow] { (0..<count).map { PostgreSQLRow(rows: self, number: Int32($0)) } }

        /// The only one, or the first.
        var first: PostgreSQLRow? { count > 0 ? PostgreSQLRow(rows: self, number: 0) : nil }

        fileprivate func value(_ row: Int32, _ column: Int32) -> [UInt8]? {
            guard unsafe PQgetisnull(result, row, column) == 0, let value = unsafe PQgetvalue(result, row, column) else {
                return nil
            }
            let count = Int(unsafe PQgetlength(result, row, column))
            return unsafe [UInt8](UnsafeRawBufferPointer(start: value, count: count))
        }
    }

    /// One row; columns are counted from 0.
    struct PostgreSQLRow {
        fileprivate let rows: PostgreSQLRows
        fileprivate let number: Int32

        func bytes(_ column: Int32) -> [UInt8]? { rows.value(number, column) }

        /// Whole numbers of any width, and truth values.
        func int(_ column: Int32) -> Int64? {
            guard let bytes = bytes(column), let first = bytes.first, bytes.count <= 8 else { return nil }
            let sign: Int64 = bytes.count > 1 && first & 0x80 != 0 ? -1 : 0
            return bytes.reduce(sign) { $0 << 8 | Int64($1) }
        }

        func text(_ column: Int32) -> String { bytes(column).map { String(decoding: $0, as: UTF8.self) } ?? "" }
    }
#endif
