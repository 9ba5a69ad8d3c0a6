#if PostgreSQL
    internal import Dispatch
    internal import Glibc
    internal import Logging
    internal import Synchronization

    /// Tells all executors of jobs that one of them has finished or put off, by NOTIFY, and hears of them by LISTEN.
    ///
    /// What is told is no more than a hint: who waits looks from time to time, too.
    final class PostgreSQLNews: Sendable {
        private static let channel = "sallyport"
        /// Bytes of a notification; the server takes at most 7,999.
        private static let limit = 7_000
        /// Between two tries to connect, and between two looks whether to go on.
        private static let pause = Duration.seconds(1)

        private let target: PostgreSQLTarget
        private let logger: Logger
        private let isClosed = Atomic(false)
        private let queue = DispatchQueue(label: "sallyport.journal.news")

        init(_ target: PostgreSQLTarget, logger: Logger) {
            self.target = target
            self.logger = logger
        }

        /// Tells of these jobs when the transaction of that connection stands.
        static func tell(_ jobIDs: [String], by connection: PostgreSQLConnection) throws(PostgreSQLError) {
            var rest = jobIDs[...]
            while !rest.isEmpty {
                var text = ""
                while let next = rest.first, text.isEmpty || text.utf8.count + next.utf8.count < limit {
                    text += text.isEmpty ? next : "\n\(next)"
                    rest = rest.dropFirst()
                }
                _ = try connection.query("SELECT pg_notify($1, $2)", [.text(channel), .text(text)])
            }
        }

        /// Calls `told` on a thread of its own until ``close()``; with no job when some may have been missed.
        func listen(_ told: @escaping @Sendable ([String]) -> Void) {
            queue.async {
                while !self.isClosed.load(ordering: .relaxed) {
                    do throws(PostgreSQLError) {
                        try self.hear(told)
                    } catch {
                        self.logger.debug("news of other executors are not heard", metadata: ["error": "\(error)"])
                        usleep(UInt32(Self.pause.milliseconds * 1000))
                    }
                }
            }
        }

        private func hear(_ told: ([String]) -> Void) throws(PostgreSQLError) {
            let connection = try PostgreSQLConnection(target)
            _ = try connection.simple("LISTEN \(Self.channel)")
            told([])
            while !isClosed.load(ordering: .relaxed) {
                let news = try connection.notifications(within: Self.pause)
                if !news.isEmpty { told(news.flatMap { $0.split(separator: "\n").map(String.init) }) }
            }
        }

        func close() { isClosed.store(true, ordering: .relaxed) }
    }
#endif
