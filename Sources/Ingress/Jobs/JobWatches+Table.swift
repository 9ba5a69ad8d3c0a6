internal import JobProtocol
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf

extension JobWatches {
    /// One question and who asked it.
    struct Watch {
        let jobID: String
        let follows: Bool
        /// How far its reader has come; nil until an executor is asked, when the reader began with nothing.
        var place: EventPlace?
        let eventLoop: any EventLoop
        let receive: @Sendable (Event) -> Void
        /// The connection it was asked on; nil while its executor is away.
        var link: ExecutorLink?
        var number: UInt64 = 0
        /// Name of that executor's key.
        var executor = ""
        /// Connections that were asked.
        var asked: Set<UInt64> = []
        /// An executor has said that there is such a job.
        var isKnown = false
        /// What the output that may still come may cost.
        var window = 0
        /// The cost of what went on to the reader since the executor was last told.
        var consumed = 0

        init(
            jobID: String, follows: Bool, place: EventPlace?, eventLoop: any EventLoop,
            receive: @escaping @Sendable (Event) -> Void
        ) {
            self.jobID = jobID
            self.follows = follows
            self.place = place
            self.eventLoop = eventLoop
            self.receive = receive
        }

        /// Takes a piece of output within the credit that was given.
        mutating func take(_ output: WireOutput) throws(ProtocolError) -> Event {
            guard isKnown, follows, let place else { throw .violation("output of a job that is not followed") }
            let cost = WatchLimits.cost(ofBytes: output.data.count)
            guard !output.data.isEmpty, cost <= window else {
                throw .violation("output of \(output.data.count) bytes with credit for \(window)")
            }
            let (end, overflow) = output.position.addingReportingOverflow(UInt64(output.data.count))
            guard output.jobID == jobID, output.destination.utf8.count <= JobLimits.name, output.position >= place.position,
                !overflow
            else { throw .violation("output out of order, or of another job") }
            let dropped = output.position - place.position
            window -= cost
            self.place?.position = end
            return .output(output, dropped: dropped, self.place ?? place)
        }
    }

    /// All questions, by handles of their owners and by numbers on the wire.
    struct Table {
        var links: [ExecutorLink] = []
        var watches: [UInt64: Watch] = [:]
        var handles: [UInt64: UInt64] = [:]
        var lastHandle: UInt64 = 0
        /// A number is used once in the life of the process.
        private var lastNumber: UInt64 = 0

        /// The question that a frame on `link` answers; nil when nobody wants to know any more.
        func handle(_ number: UInt64, _ link: ExecutorLink) throws(ProtocolError) -> UInt64? {
            guard number > 0, number <= lastNumber else { throw .violation("answer to a question that was not asked") }
            guard let handle = handles[number], watches[handle]?.link?.id == link.id else { return nil }
            return handle
        }

        /// Asks the newest executor that was not asked yet.
        mutating func ask(_ handle: UInt64) {
            guard let asked = watches[handle]?.asked,
                let link = links.last(where: { $0.answersWatches && !asked.contains($0.id) })
            else { return end(handle, .notFound) }
            ask(handle, link)
        }

        mutating func ask(_ handle: UInt64, _ link: ExecutorLink) {
            guard var watch = watches[handle] else { return }
            lastNumber += 1
            handles[lastNumber] = handle
            watch.link = link
            watch.number = lastNumber
            watch.executor = link.keyID
            watch.asked.insert(link.id)
            let beginning = EventPlace(epoch: link.epoch)
            // In another run there is nothing at the old place.
            if watch.place?.tag != beginning.tag { watch.place = beginning }
            watch.window = watch.follows ? WatchLimits.window : 0
            watch.consumed = 0
            watches[handle] = watch
            link.post(
                .with {
                    $0.watch = .with {
                        $0.watch = watch.number
                        $0.jobID = watch.jobID
                        $0.follow = watch.follows
                        $0.position = watch.place?.position ?? 0
                        $0.credit = UInt32(watch.window)
                    }
                })
        }

        mutating func notFound(_ handle: UInt64, _ link: ExecutorLink) {
            guard let watch = watches[handle] else { return }
            handles[watch.number] = nil
            // One that had it and has it no more, because its journal was pruned or replaced, is not asked elsewhere.
            if watch.isKnown { end(handle, .notFound) } else { ask(handle) }
        }

        mutating func consumed(_ handle: UInt64, bytes: Int) {
            guard var watch = watches[handle], let link = watch.link else { return }
            // What came on an older connection is not this one's credit.
            let credit = min(watch.consumed + WatchLimits.cost(ofBytes: bytes), WatchLimits.window - watch.window)
            watch.consumed = credit
            if credit >= WatchLimits.window / 2 {
                watch.window += credit
                watch.consumed = 0
                link.post(
                    .with {
                        $0.watchCredit = .with {
                            $0.watch = watch.number
                            $0.credit = UInt32(credit)
                        }
                    })
            }
            watches[handle] = watch
        }

        /// A connection has ended.
        mutating func drop(_ link: ExecutorLink) {
            links.removeAll { $0.id == link.id }
            for (handle, watch) in watches where watch.link?.id == link.id {
                handles[watch.number] = nil
                if watch.follows, watch.isKnown { watches[handle]?.link = nil } else { end(handle, .unavailable) }
            }
        }

        mutating func end(_ handle: UInt64, _ event: Event) {
            tell(handle, event)
            if let watch = watches.removeValue(forKey: handle) { handles[watch.number] = nil }
        }

        func tell(_ handle: UInt64, _ event: Event) {
            guard let watch = watches[handle] else { return }
            let receive = watch.receive
            watch.eventLoop.execute { receive(event) }
        }
    }
}
