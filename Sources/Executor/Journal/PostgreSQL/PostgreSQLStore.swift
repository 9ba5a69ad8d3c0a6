#if PostgreSQL
    internal import Glibc

    /// The writer's connection. Every transaction of it first makes sure that this executor still is who it was, and says that it lives.
    final class PostgreSQLStore: CommitStore, @unchecked Sendable {  // what changes is the writer's thread's alone
        /// How long an executor counts as alive after its last word. One that stands still for longer may have lost its jobs to others.
        static let lease = Duration.seconds(15)
        /// How long the fate of a commit is asked for whose answer did not come.
        static let doubtLimit = Duration.seconds(5)

        let target: PostgreSQLTarget
        /// Names the executor, and its audit log.
        let name: String
        /// The number of this start.
        let epoch: Int64
        private var connection: PostgreSQLConnection?
        /// Of the last transaction that was begun.
        private var number: Int64 = 0

        var place: String { target.place }
        /// Each claim takes some locks, of which a server has some thousands for all its transactions.
        var maximumBatch: Int { 256 }

        /// Connects, brings the tables up to date and begins a new epoch of that executor, which takes over what it had not finished before.
        ///
        /// - Throws: ``PostgreSQLError``; ``JournalError`` when another process is that executor.
        init(_ target: PostgreSQLTarget, name: String) throws {
            self.target = target
            self.name = name
            let connection = try PostgreSQLConnection(target)
            try PostgreSQLSchema.migrate(connection)
            let deadline = ContinuousClock.now + PostgreSQLConnection.connectLimit
            var epoch = try ExecutorEpoch.begin(connection, name)
            // The server notices a little later that the connection of a process has ended.
            while epoch == nil, ContinuousClock.now < deadline {
                usleep(100_000)
                epoch = try ExecutorEpoch.begin(connection, name)
            }
            guard let epoch else { throw JournalError.isTaken("\(target.place), as \(name)") }
            self.epoch = epoch
            self.connection = connection
        }

        /// What the log is taken up with. Before the first ``write(_:)``.
        func keptAudit() throws -> AuditKept { try AuditKept(ready(), origin: name) }

        func write(_ body: (PostgreSQLTransaction) throws -> Void) throws -> Bool {
            var hasSavepoints = false
            var conflicts = 0
            while true {
                do {
                    return try once(hasSavepoints, body)
                } catch is MustRepeat {
                    hasSavepoints = true
                } catch let error as PostgreSQLError where error.isConflict && conflicts < 3 {
                    conflicts += 1
                }
            }
        }

        private struct MustRepeat: Error {}

        private func once(_ hasSavepoints: Bool, _ body: (PostgreSQLTransaction) throws -> Void) throws -> Bool {
            let (connection, number) = try begin()
            let transaction = PostgreSQLTransaction(connection, origin: name, epoch: epoch, hasSavepoints: hasSavepoints)
            do {
                try body(transaction)
                if transaction.mustRepeat { throw MustRepeat() }
                try PostgreSQLNews.tell(transaction.news, by: connection)
            } catch {
                if !connection.isBroken { _ = try? connection.simple("ROLLBACK") }
                // The connection's end says more than what each operation met after it.
                throw connection.isBroken && error is MustRepeat ? PostgreSQLError(.away, "the connection has ended") : error
            }
            do {
                // What has failed within it ends with a roll-back, which is no error to the server.
                guard try connection.simple("COMMIT").tag == "COMMIT" else {
                    throw PostgreSQLError(.damaged, "the transaction was rolled back")
                }
            } catch  where connection.isBroken {
                self.connection = nil
                guard try hasCommitted(number) else { throw error }
            }
            // The lease was renewed, if nothing else.
            return true
        }

        /// Begins a transaction, whose number is known from then on. A connection that has ended since it was last used is made anew.
        private func begin() throws -> (PostgreSQLConnection, number: Int64) {
            let isFresh = connection == nil
            let connection = try ready()
            do {
                _ = try connection.simple("BEGIN")
                number += 1
                guard try ExecutorEpoch.renew(connection, name, epoch, number: number) else {
                    _ = try? connection.simple("ROLLBACK")
                    throw isLost
                }
                return (connection, number)
            } catch let error as PostgreSQLError where connection.isBroken {
                self.connection = nil
                guard !isFresh, error.isAway, !error.isLate else { throw error }
                return try begin()
            }
        }

        private var isLost: PostgreSQLError {
            PostgreSQLError(.lost, "another executor has taken over the jobs of \(name), which did not answer for too long")
        }

        private func ready() throws(PostgreSQLError) -> PostgreSQLConnection {
            if let connection, !connection.isBroken { return connection }
            connection = nil
            let new = try PostgreSQLConnection(target)
            try ExecutorEpoch.hold(new, name)
            connection = new
            return new
        }

        /// Whether the transaction of that number stands: it is asked for until that is decided.
        ///
        /// - Throws: ``CommitInDoubt`` when nobody answers.
        func hasCommitted(_ number: Int64) throws -> Bool {
            let deadline = ContinuousClock.now + Self.doubtLimit
            while true {
                // An error of the server, or none that answers: asked again.
                let answer = Result { try ExecutorEpoch.written(ready(), name, epoch) }
                if case .success(let written) = answer {
                    guard let written else { throw isLost }
                    return written >= number
                }
                guard ContinuousClock.now < deadline else { throw CommitInDoubt(number: number) }
                usleep(100_000)
            }
        }

        func reserve(_ transaction: PostgreSQLTransaction, _ keys: [String]) throws { try transaction.reserve(keys) }

        func apart<T>(_ transaction: PostgreSQLTransaction, _ body: (PostgreSQLTransaction) throws -> T) throws -> T {
            try transaction.apart(body)
        }

        func audit(_ transaction: PostgreSQLTransaction) -> any AuditTable { transaction }

        func error(_ step: String, _ error: any Error) -> JournalError {
            JournalError(step: step, place: place, postgreSQL: error)
        }
    }
#endif
