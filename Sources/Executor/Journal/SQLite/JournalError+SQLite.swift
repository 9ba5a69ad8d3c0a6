internal import GRDB

extension JournalError {
    /// From what the database said.
    init(step: String, place: String, _ error: any Error) {
        let code = (error as? DatabaseError)?.resultCode
        self.init(step: step, place: place, underlying: error.sqliteText, cause: Self.cause(code))
    }

    private static func cause(_ code: ResultCode?) -> Cause {
        switch code {
        case .SQLITE_FULL: .full
        case .SQLITE_READONLY: .readOnly
        case .SQLITE_IOERR, .SQLITE_CORRUPT: .device
        default: .other
        }
    }
}

extension Error {
    /// What SQLite says, without the statement: that is nothing to an operator.
    var sqliteText: String {
        guard let error = self as? DatabaseError else { return "\(self)" }
        return "\(error.message ?? "error") (SQLite \(error.extendedResultCode.rawValue))"
    }
}
