#if PostgreSQL
    internal import Dispatch
    internal import Synchronization

    /// A connection for looks, with a thread of its own: no look delays a claim.
    final class PostgreSQLReader: Sendable {
        /// Looks that may wait; one more fails.
        static let maximumWaiting = 1024

        private final class Line: @unchecked Sendable {  // the queue's thread alone uses it
            var connection: PostgreSQLConnection?
        }

        private let target: PostgreSQLTarget
        private let queue: DispatchQueue
        private let line = Line()
        private let waiting = Atomic(0)

        init(_ target: PostgreSQLTarget, label: String) {
            self.target = target
            queue = DispatchQueue(label: label)
        }

        /// Runs `body` with the connection, which is made where there is none. Once more where it has ended meanwhile.
        func look<T: Sendable>(_ body: @escaping @Sendable (PostgreSQLConnection) throws -> T) async throws -> T {
            guard waiting.add(1, ordering: .relaxed).newValue <= Self.maximumWaiting else {
                waiting.subtract(1, ordering: .relaxed)
                throw PostgreSQLError(.away, "\(Self.maximumWaiting) looks are waiting already")
            }
            return try await withCheckedThrowingContinuation { continuation in
                queue.async {
                    continuation.resume(with: Result { try self.now(body) })
                    self.waiting.subtract(1, ordering: .relaxed)
                }
            }
        }

        private func now<T>(_ body: (PostgreSQLConnection) throws -> T) throws -> T {
            let kept = line.connection.flatMap { $0.isBroken ? nil : $0 }
            let connection = try kept ?? PostgreSQLConnection(target)
            line.connection = connection
            do {
                return try body(connection)
            } catch let error as PostgreSQLError where connection.isBroken {
                line.connection = nil
                guard kept != nil, error.isAway, !error.isLate else { throw error }
                return try now(body)
            }
        }
    }
#endif
