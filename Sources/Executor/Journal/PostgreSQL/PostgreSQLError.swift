#if PostgreSQL
    /// What a call to PostgreSQL came to.
    struct PostgreSQLError: Error, CustomStringConvertible {
        /// What the caller can do about it.
        enum Kind: Sendable {
            /// There is no connection, or it ended.
            case away
            /// No answer came in time; the connection was given up.
            case late
            /// The server refused, with its SQLSTATE (PostgreSQL's manual, appendix A).
            case refused(String)
            /// Another executor has taken this one's jobs over.
            case lost
            /// Something in the tables is not as it was written.
            case damaged
        }

        let kind: Kind
        let message: String

        init(_ kind: Kind, _ message: String) {
            self.kind = kind
            self.message = message
        }

        var description: String {
            if case .refused(let state) = kind { "\(message) (PostgreSQL \(state))" } else { message }
        }

        /// The same again may go well: two transactions were in one another's way.
        var isConflict: Bool {
            guard case .refused(let state) = kind else { return false }
            return ["40001", "40P01", "55P03"].contains(state)
        }

        var isLate: Bool { if case .late = kind { true } else { false } }

        /// The server, or the connection to it, is not there.
        var isAway: Bool {
            switch kind {
            case .away, .late: true
            // Connection exceptions, operator intervention, too many connections, a transaction that stood still.
            case .refused(let state): state.hasPrefix("08") || state.hasPrefix("57P") || ["53300", "25P03"].contains(state)
            case .lost, .damaged: false
            }
        }

        var cause: JournalError.Cause {
            switch kind {
            case _ where isAway: .away
            case .lost: .lost
            case .refused("53100"): .full
            case .refused("25006"): .readOnly
            case .refused("58030"), .refused("XX001"), .refused("XX002"): .device
            default: .other
            }
        }
    }

    extension JournalError {
        /// From what PostgreSQL said.
        init(step: String, place: String, postgreSQL error: any Error) {
            let cause = error is CommitInDoubt ? .away : (error as? PostgreSQLError)?.cause ?? .other
            self.init(step: step, place: place, underlying: "\(error)", cause: cause)
        }
    }
#endif
