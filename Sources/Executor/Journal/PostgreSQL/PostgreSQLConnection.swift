#if PostgreSQL
    internal import Authentication
    internal import CPostgreSQL
    internal import Glibc

    /// One connection by libpq. Its calls block the calling thread, each no longer than it is told. Used by one thread at a time.
    @safe final class PostgreSQLConnection {
        /// Within it there is a connection, or none.
        static let connectLimit = Duration.seconds(3)
        /// Within it a statement is answered. The server gives it up before.
        static let statementLimit = Duration.seconds(15)
        /// Statements that are kept prepared; one more is sent with its text each time.
        static let maximumPrepared = 64

        /// What holds of a session: a transaction whose executor stands still gives its locks back, nothing waits for long, and a commit is
        /// on the disk when it is told, whatever the server's own setting.
        private static let session = """
            SET search_path = sallyport;
            SET default_transaction_isolation = 'read committed';
            SET statement_timeout = '10s';
            SET lock_timeout = '8s';
            SET idle_in_transaction_session_timeout = '10s';
            SET jit = off;
            SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
            """

        private let connection: OpaquePointer
        private var prepared: [String: String] = [:]
        /// It ended, or was given up; nothing more goes through it.
        private(set) var isBroken = false

        /// Connects and sets the session up.
        ///
        /// - Throws: ``PostgreSQLError``.
        init(_ target: PostgreSQLTarget, within limit: Duration = connectLimit) throws(PostgreSQLError) {
            guard let connection = unsafe Self.begin(target) else { throw PostgreSQLError(.away, "no memory for a connection") }
            unsafe self.connection = unsafe connection
            let deadline = ContinuousClock.now + limit
            try connect(until: deadline)
            guard unsafe PQsetnonblocking(connection, 1) == 0 else { throw broken() }
            _ = try simple(Self.session, until: deadline)
        }

        deinit { unsafe PQfinish(connection) }

        private static func begin(_ target: PostgreSQLTarget) -> OpaquePointer? {
            func connect(_ password: UnsafePointer<CChar>?) -> OpaquePointer? {
                unsafe sallyport_pq_connect(
                    target.folder, "\(target.port)", target.database, target.user, password, "sallyport-executor")
            }
            guard let password = target.password else { return unsafe connect(nil) }
            // libpq keeps a copy of its own as long as the connection lives.
            let text = unsafe SecretBytes(count: password.count + 1) { buffer in
                unsafe password.withUnsafeBytes { unsafe buffer.copyMemory(from: $0) }
            }
            return unsafe text.withUnsafeBytes { unsafe connect($0.baseAddress?.assumingMemoryBound(to: CChar.self)) }
        }

        private func connect(until deadline: ContinuousClock.Instant) throws(PostgreSQLError) {
            var events = Int16(POLLOUT)
            if unsafe PQstatus(connection) == CONNECTION_BAD { throw broken() }
            while true {
                _ = try wait(for: events, until: deadline, "connect")
                switch unsafe PQconnectPoll(connection) {
                case PGRES_POLLING_OK: return
                case PGRES_POLLING_READING: events = Int16(POLLIN)
                case PGRES_POLLING_WRITING: events = Int16(POLLOUT)
                default: throw broken()
                }
            }
        }

        /// Runs one statement. Its values are $1, $2 and so on.
        ///
        /// - Parameter isPrepared: false plans it for these values.
        func query(
            _ sql: String, _ values: [PostgreSQLValue] = [], isPrepared: Bool = true, within limit: Duration = statementLimit
        ) throws(PostgreSQLError) -> PostgreSQLRows {
            guard !isBroken else { throw PostgreSQLError(.away, "the connection has ended") }
            let deadline = ContinuousClock.now + limit
            guard isPrepared, prepared[sql] != nil || prepared.count < Self.maximumPrepared else {
                unsafe try send(values) { unsafe PQsendQueryParams($0, sql, $1, $2, $3, $4, $5, 1) }
                return try answer(until: deadline)
            }
            let name: String
            if let known = prepared[sql] { name = known } else { name = try prepare(sql, values, until: deadline) }
            unsafe try send(values) { connection, count, _, values, lengths, formats in
                unsafe PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1)
            }
            return try answer(until: deadline)
        }

        /// Runs statements that have no values; what the last returns.
        func simple(_ sql: String, within limit: Duration = statementLimit) throws(PostgreSQLError) -> PostgreSQLRows {
            guard !isBroken else { throw PostgreSQLError(.away, "the connection has ended") }
            return try simple(sql, until: .now + limit)
        }

        private func simple(_ sql: String, until deadline: ContinuousClock.Instant) throws(PostgreSQLError) -> PostgreSQLRows {
            guard unsafe PQsendQuery(connection, sql) == 1 else { throw broken() }
            return try answer(until: deadline)
        }

        private func prepare(
            _ sql: String, _ values: [PostgreSQLValue], until deadline: ContinuousClock.Instant
        ) throws(PostgreSQLError) -> String {
            let name = "s\(prepared.count)"
            let types = values.map(\.type)
            guard unsafe PQsendPrepare(connection, name, sql, Int32(types.count), types) == 1 else { throw broken() }
            _ = try answer(until: deadline)
            prepared[sql] = name
            return name
        }

        private typealias Send = (
            OpaquePointer, Int32, UnsafePointer<UInt32>?, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?,
            UnsafePointer<Int32>?
        ) -> Int32

        /// Lends the values to libpq, one behind the other in one piece of memory.
        private func send(_ values: [PostgreSQLValue], _ body: Send) throws(PostgreSQLError) {
            var memory: [UInt8] = []
            var places: [Range<Int>?] = []
            for value in values {
                let bytes = value.bytes
                places.append(bytes.map { memory.count..<memory.count + $0.count })
                memory += bytes ?? []
            }
            // So that what is empty has an address, too.
            memory.append(0)
            let lengths = places.map { Int32($0?.count ?? 0) }
            let formats = [Int32](repeating: 1, count: values.count)
            let types = values.map(\.type)
            let code = unsafe memory.withUnsafeBytes { memory in
                let pointers = unsafe places.map { place in
                    unsafe place.flatMap {
                        unsafe memory.baseAddress?.advanced(by: $0.lowerBound).assumingMemoryBound(to: CChar.self)
                    }
                }
                return unsafe body(connection, Int32(values.count), types, pointers, lengths, formats)
            }
            guard code == 1 else { throw broken() }
        }

        /// Sends what waits, and reads until the server is ready for the next statement.
        private func answer(until deadline: ContinuousClock.Instant) throws(PostgreSQLError) -> PostgreSQLRows {
            while true {
                let left = unsafe PQflush(connection)
                guard left >= 0 else { throw broken() }
                if left == 0 { break }
                if try wait(for: Int16(POLLIN | POLLOUT), until: deadline, "send") & Int16(POLLIN) != 0 {
                    guard unsafe PQconsumeInput(connection) == 1 else { throw broken() }
                }
            }
            var last: PostgreSQLRows?
            var failure: PostgreSQLError?
            while true {
                while unsafe PQisBusy(connection) == 1 {
                    _ = try wait(for: Int16(POLLIN), until: deadline, "answer")
                    guard unsafe PQconsumeInput(connection) == 1 else { throw broken() }
                }
                guard let result = unsafe PQgetResult(connection) else { break }
                switch unsafe PQresultStatus(result) {
                case PGRES_COMMAND_OK, PGRES_TUPLES_OK: last = unsafe PostgreSQLRows(result)
                default:
                    failure = unsafe error(of: result)
                    unsafe PQclear(result)
                }
            }
            if unsafe PQstatus(connection) == CONNECTION_BAD { isBroken = true }
            if let failure { throw failure }
            guard let last else { throw broken() }
            return last
        }

        /// What was notified since the last time; waits for it, if need be.
        func notifications(within limit: Duration) throws(PostgreSQLError) -> [String] {
            guard !isBroken else { throw PostgreSQLError(.away, "the connection has ended") }
            var descriptor = pollfd(fd: unsafe PQsocket(connection), events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&descriptor, 1, Int32(clamping: limit.milliseconds)) > 0 else { return [] }
            guard unsafe PQconsumeInput(connection) == 1 else { throw broken() }
            var texts: [String] = []
            while let notification = unsafe PQnotifies(connection) {
                texts.append(unsafe String(cString: notification.pointee.extra))
                unsafe PQfreemem(notification)
            }
            return texts
        }

        private func error(of result: OpaquePointer) -> PostgreSQLError {
            guard let state = unsafe sallyport_pq_state(result) else { return broken() }
            let message = unsafe sallyport_pq_message(result).map { unsafe String(cString: $0) } ?? "an error"
            return PostgreSQLError(.refused(unsafe String(cString: state)), message)
        }

        /// Gives the connection up, with what libpq says of it.
        private func broken() -> PostgreSQLError {
            isBroken = true
            let message = unsafe String(cString: PQerrorMessage(connection))
            let lines = message.split(whereSeparator: \.isNewline).map { $0.drop(while: \.isWhitespace) }
            return PostgreSQLError(.away, lines.isEmpty ? "the connection has ended" : lines.joined(separator: ": "))
        }

        /// Waits until the socket is ready; what it is ready for.
        private func wait(
            for events: Int16, until deadline: ContinuousClock.Instant, _ step: String
        ) throws(PostgreSQLError) -> Int16 {
            var descriptor = pollfd(fd: unsafe PQsocket(connection), events: events, revents: 0)
            while true {
                let left = deadline - .now
                guard left > .zero else {
                    isBroken = true
                    throw PostgreSQLError(.late, "\(step): no answer in time")
                }
                let milliseconds = Int32(clamping: left.milliseconds + 1)
                let count = unsafe poll(&descriptor, 1, milliseconds)
                if count > 0 { return descriptor.revents }
                if count < 0, errno != EINTR { throw broken() }
            }
        }
    }
#endif
