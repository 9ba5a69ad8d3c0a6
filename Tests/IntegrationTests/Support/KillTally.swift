import Foundation
import TestSupport

/// What each kill of the ingress cut off, as far as the spool's files, the executor's log and the senders' record can tell.
struct KillTally: CustomStringConvertible {
    private let bed: TestBed
    private var executorLog: UInt64 = 0
    /// Deliveries that an executor has accepted.
    private var accepted: Set<String> = []
    private(set) var kills = 0
    /// Kills with at least one delivery sent and not answered.
    private(set) var underLoad = 0
    /// Kills before it listened.
    private(set) var duringStart = 0
    private var open = 0
    private var openSpooled = 0
    private var openAccepted = 0
    private var handedOver = 0
    private var waiting = 0
    private var mostWaiting = 0
    private var torn = 0

    init(_ bed: TestBed) { self.bed = bed }

    /// To be called after a kill, before the next start.
    ///
    /// - Parameter cutOff: deliveries that were sent and not answered when it was killed.
    mutating func note(_ cutOff: Set<String>, duringStart isStart: Bool) throws {
        readExecutorLog()
        var spooled: Set<String> = []
        for name in bed.spooled() {
            let content = try Data(contentsOf: bed.spoolFolder.appending(path: name))
            spooled.formUnion(waitingDeliveries([UInt8](content)))
        }
        kills += 1
        duringStart += isStart ? 1 : 0
        underLoad += cutOff.isEmpty ? 0 : 1
        open += cutOff.count
        openSpooled += cutOff.intersection(spooled).count
        openAccepted += cutOff.intersection(accepted).subtracting(spooled).count
        handedOver += spooled.intersection(accepted).count
        waiting += spooled.count
        mostWaiting = max(mostWaiting, spooled.count)
    }

    /// The records of a segment that wait, by the format that docs/spool.md describes; what is cut off at the end is counted.
    private mutating func waitingDeliveries(_ bytes: [UInt8]) -> [String] {
        var found: [String] = []
        var offset = 0
        while offset < bytes.count {
            guard offset + 48 <= bytes.count else { break }
            let length = bytes[(offset + 12)..<(offset + 16)].reduce(0) { $0 << 8 | Int($1) }
            guard offset + 48 + length <= bytes.count else { break }
            if bytes[(offset + 8)..<(offset + 12)].elementsEqual("WAIT".utf8) {
                found += Self.event(Data(bytes[(offset + 48)..<(offset + 48 + length)]))
            }
            offset += 48 + length
        }
        torn += offset < bytes.count ? 1 : 0
        return found
    }

    /// What it has logged since the last kill.
    private mutating func readExecutorLog() {
        guard let file = try? FileHandle(forReadingFrom: bed.executor.log) else { return }
        defer { try? file.close() }
        try? file.seek(toOffset: executorLog)
        guard let new = try? file.readToEnd(), let end = new.lastIndex(of: UInt8(ascii: "\n")) else { return }
        executorLog += UInt64(end + 1)
        for line in new[...end].split(separator: UInt8(ascii: "\n")) where line.range(of: Data("job accepted".utf8)) != nil {
            accepted.formUnion(Self.event(line))
        }
    }

    /// The first event of a ``LoadSender`` that stands in the bytes: `evt_`, and an id that is as long as all are.
    private static func event(_ bytes: Data) -> [String] {
        guard let start = bytes.range(of: Data("evt_d".utf8)) else { return [] }
        return [String(decoding: bytes[(start.upperBound - 1)...].prefix(9), as: UTF8.self)]
    }

    var description: String {
        """
        kills \(kills), of them under load \(underLoad) and during the start \(duringStart); deliveries cut off \(open): in the spool \
        and unanswered \(openSpooled), at the executor and unanswered \(openAccepted), before either \
        \(open - openSpooled - openAccepted); records waiting at the kills \(waiting) (most \(mostWaiting)), of them at the executor \
        already \(handedOver); torn records \(torn)
        """
    }
}
