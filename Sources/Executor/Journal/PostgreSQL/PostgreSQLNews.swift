#if PostgreSQL
    internal import Dispatch
    internal import Glibc
    internal import Logging
    internal import Synchronization

    /// Tells all executors what one of them has written, by NOTIFY, and hears of it by LISTEN: a line each, a job's id, with a word before it
    /// where its end is asked for.
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

        private static let cancel = "cancel "

        private static func text(_ news: JournalNews) -> String {
            switch news {
            case .left(let id): id
            case .cancel(let id): cancel + id
            }
        }

        private static func news(_ text: Substring) -> JournalNews {
            text.hasPrefix(cancel) ? .cancel(String(text.dropFirst(cancel.count))) : .left(String(text))
        }

        /// Tells of it when the transaction of that connection stands.
        static func tell(_ news: [JournalNews], by connection: PostgreSQLConnection) throws(PostgreSQLError) {
            var rest = news.map(text)[...]
            while !rest.isEmpty {
                var text = ""
                while let next = rest.first, text.isEmpty || text.utf8.count + next.utf8.count < limit {
                    text += text.isEmpty ? next : "\n\(next)"
                    rest = rest.dropFirst()
                }
                _ = try connection.query("SELECT pg_notify($1, $2)", [.text(channel), .text(text)])
            }
        }

        /// Calls `told` on a thread of its own until ``close()``; with nothing when some may have been missed.
        func listen(_ told: @escaping @Sendable ([JournalNews]) -> Void) {
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

        private func hear(_ told: ([JournalNews]) -> Void) throws(PostgreSQLError) {
            let connection = try PostgreSQLConnection(target)
            _ = try connection.simple("LISTEN \(Self.channel)")
            told([])
            while !isClosed.load(ordering: .relaxed) {
                let news = try connection.notifications(within: Self.pause)
                if !news.isEmpty { told(news.flatMap { $0.split(separator: "\n").map(Self.news) }) }
            }
        }

        func close() { isClosed.store(true, ordering: .relaxed) }
    }
#endif
