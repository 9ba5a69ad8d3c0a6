internal import JobProtocol
internal import Logging
internal import NIOPosix
internal import Synchronization

/// The one thread that touches the disk. Everything that is waiting goes to disk with one fdatasync(2) and is answered after it.
///
/// Records are appended to segments; a segment is removed when all of its records are done. A segment whose write failed is never
/// written to again: what the kernel says about it afterwards cannot be believed.
final class SpoolWriter: Sendable {
    /// From this size on a segment is full and the next one begins.
    static let segmentBytes = 1024 * 1024
    /// Files of one kind that are set aside; the oldest go first.
    static let maximumSetAside = 1000
    /// Bytes of the files of one kind that are set aside.
    static let maximumSetAsideBytes = 32 * 1024 * 1024

    private enum Work: Sendable {
        case append([UInt8], @Sendable (Result<SpoolPlace, SpoolError>) -> Void)
        case read(SpoolPlace, @Sendable (Result<[UInt8], SpoolError>) -> Void)
        case finish(SpoolPlace)
        case setAside(SpoolPlace, name: String)
    }

    private struct Waiting {
        var work: [Work] = []
        var isScheduled = false
    }

    private struct Segment {
        var bytes: Int
        var waiting: Int
    }

    /// What the thread alone uses.
    private struct Files {
        var segments: [UInt64: Segment] = [:]
        var current: (number: UInt64, descriptor: Int32)?
        var next: UInt64 = 1
        var setAside: [String: Int] = [:]
    }

    private let disk: any SpoolDisk
    private let logger: Logger
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let waiting = Mutex(Waiting())
    private let files = Mutex(Files())
    private let onDisk = Atomic(0)
    /// When a write last failed and none succeeded since, in milliseconds of a clock that only goes forward; 0 otherwise.
    private let failedAt = Atomic<Int64>(0)

    init(_ disk: any SpoolDisk, logger: Logger) {
        self.disk = disk
        self.logger = logger
    }

    /// Bytes of all segments.
    var bytes: Int { onDisk.load(ordering: .relaxed) }
    /// No write has failed lately.
    var isHealthy: Bool {
        let failedAt = failedAt.load(ordering: .relaxed)
        return failedAt == 0 || MonotonicClock.milliseconds() - failedAt >= Self.doubt
    }

    /// Milliseconds for which a failed write speaks against the disk. Not for ever: only a delivery can show that it works again.
    static let doubt: Int64 = 10_000

    /// Makes the thread. Call before anything is asked of it.
    func start() { pool.start() }

    /// Returns when all that was asked is done; nothing may be asked any more.
    func stop() { try? pool.syncShutdownGracefully() }

    /// Writes a record; `done` is called when it is durable or will never be.
    func append(_ bytes: [UInt8], done: @escaping @Sendable (Result<SpoolPlace, SpoolError>) -> Void) {
        enqueue(.append(bytes, done))
    }

    /// Reads a record.
    func read(_ place: SpoolPlace, done: @escaping @Sendable (Result<[UInt8], SpoolError>) -> Void) {
        enqueue(.read(place, done))
    }

    /// The record is not needed any more.
    func finish(_ place: SpoolPlace) { enqueue(.finish(place)) }

    /// As ``finish(_:)``, after its bytes were copied to a file of that name.
    func setAside(_ place: SpoolPlace, as name: String) { enqueue(.setAside(place, name: name)) }

    private func enqueue(_ work: Work) {
        let begins = waiting.withLock { waiting in
            waiting.work.append(work)
            defer { waiting.isScheduled = true }
            return !waiting.isScheduled
        }
        if begins { pool.submit { _ in self.perform() } }
    }

    private func perform() {
        let batch = waiting.withLock { waiting in
            defer { waiting.work.removeAll() }
            waiting.isScheduled = false
            return waiting.work
        }
        var records: [[UInt8]] = []
        var writers: [@Sendable (Result<SpoolPlace, SpoolError>) -> Void] = []
        for case .append(let bytes, let done) in batch {
            records.append(bytes)
            writers.append(done)
        }
        if !records.isEmpty {
            let result = files.withLock { files in written(records, &files) }
            failedAt.store((try? result.get()) == nil ? MonotonicClock.milliseconds() : 0, ordering: .relaxed)
            for (index, done) in writers.enumerated() { done(result.map { $0[index] }) }
        }
        for work in batch {
            switch work {
            case .append: continue
            case .read(let place, let done): done(read(place))
            case .finish(let place): files.withLock { finish(place, &$0) }
            case .setAside(let place, let name):
                files.withLock { files in
                    setAside(place, as: name, &files)
                    finish(place, &files)
                }
            }
        }
    }

    private func written(_ records: [[UInt8]], _ files: inout Files) -> Result<[SpoolPlace], SpoolError> {
        do throws(SpoolError) { return .success(try write(records, &files)) } catch { return .failure(error) }
    }

    private func read(_ place: SpoolPlace) -> Result<[UInt8], SpoolError> {
        do throws(SpoolError) {
            return .success(try disk.read(Self.name(place.segment), at: place.offset, count: place.length))
        } catch {
            return .failure(error)
        }
    }

    /// Appends all records and returns when they are durable.
    private func write(_ records: [[UInt8]], _ files: inout Files) throws(SpoolError) -> [SpoolPlace] {
        let isNew = files.current == nil
        if isNew {
            let number = files.next
            files.next += 1
            files.current = (number, try disk.create(Self.name(number)))
            files.segments[number] = Segment(bytes: 0, waiting: 0)
        }
        guard let (number, descriptor) = files.current, let before = files.segments[number] else { return [] }
        do throws(SpoolError) {
            try disk.append(Array(records.joined()), to: descriptor)
            try disk.sync(descriptor)
            if isNew { try disk.syncFolder() }
        } catch {
            giveUp(number, descriptor, before, &files)
            throw error
        }
        var places: [SpoolPlace] = []
        var offset = before.bytes
        for record in records {
            places.append(SpoolPlace(segment: number, offset: offset, length: record.count))
            offset += record.count
        }
        onDisk.add(offset - before.bytes, ordering: .relaxed)
        files.segments[number] = Segment(bytes: offset, waiting: before.waiting + records.count)
        if offset >= Self.segmentBytes { closeCurrent(&files) }
        return places
    }

    private func giveUp(_ number: UInt64, _ descriptor: Int32, _ before: Segment, _ files: inout Files) {
        // So that what was refused does not run later; if this fails too it may, once.
        try? disk.truncate(descriptor, to: before.bytes)
        closeCurrent(&files)
        if before.waiting == 0 { removeSegment(number, &files) }
    }

    private func closeCurrent(_ files: inout Files) {
        guard let current = files.current else { return }
        disk.close(current.descriptor)
        files.current = nil
    }

    private func finish(_ place: SpoolPlace, _ files: inout Files) {
        guard let segment = files.segments[place.segment] else { return }
        files.segments[place.segment]?.waiting = segment.waiting - 1
        guard segment.waiting <= 1 else {
            // Not flushed: after a loss of power it is handed over once more, and the executor knows it.
            do throws(SpoolError) {
                try disk.overwrite(Self.name(place.segment), at: place.offset + SpoolRecord.stateOffset, with: SpoolRecord.done)
            } catch {
                logger.error(
                    "spool: record cannot be marked as done; it will be handed over once more", metadata: ["error": "\(error)"])
            }
            return
        }
        if files.current?.number == place.segment { closeCurrent(&files) }
        removeSegment(place.segment, &files)
    }

    private func removeSegment(_ number: UInt64, _ files: inout Files) {
        do throws(SpoolError) {
            try disk.remove(Self.name(number))
            onDisk.subtract(files.segments.removeValue(forKey: number)?.bytes ?? 0, ordering: .relaxed)
        } catch {
            logger.error("spool: segment cannot be removed", metadata: ["error": "\(error)"])
        }
    }

    /// `00000000000000000001.spool`
    static func name(_ segment: UInt64) -> String {
        let digits = String(segment)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".spool"
    }
}

extension SpoolWriter {
    /// Takes over what an earlier life left: each segment with its size and the records that still wait. Call before ``start()``.
    func restore(_ segments: [UInt64: (bytes: Int, waiting: Int)], setAside: [String: Int]) {
        files.withLock { files in
            files.next = (segments.keys.max() ?? 0) + 1
            files.setAside = setAside
            for (number, segment) in segments {
                files.segments[number] = Segment(bytes: segment.bytes, waiting: segment.waiting)
                onDisk.add(segment.bytes, ordering: .relaxed)
                if segment.waiting == 0 { removeSegment(number, &files) }
            }
        }
    }

    /// Keeps bytes that are no record of use under a name of their own. Blocks; for the start.
    func setAside(_ bytes: [UInt8], as name: String) { files.withLock { keep(bytes, name, &$0) } }

    /// As ``finish(_:)``, at once. Blocks; for the start.
    func finishNow(_ place: SpoolPlace) { files.withLock { finish(place, &$0) } }

    private func setAside(_ place: SpoolPlace, as name: String, _ files: inout Files) {
        do throws(SpoolError) {
            keep(try disk.read(Self.name(place.segment), at: place.offset, count: place.length), name, &files)
        } catch {
            logger.error("spool: record cannot be set aside", metadata: ["file": "\(name)", "error": "\(error)"])
        }
    }

    private func keep(_ bytes: [UInt8], _ name: String, _ files: inout Files) {
        guard files.setAside[name] == nil else { return }
        do throws(SpoolError) {
            let descriptor = try disk.create(name)
            defer { disk.close(descriptor) }
            try disk.append(bytes, to: descriptor)
            try disk.sync(descriptor)
            try disk.syncFolder()
            files.setAside[name] = bytes.count
        } catch {
            logger.error("spool: record cannot be set aside", metadata: ["file": "\(name)", "error": "\(error)"])
        }
        prune(String(name.split(separator: ".").last ?? ""), &files)
    }

    /// Removes the oldest of a kind: names begin with their time, or with the segment's number.
    private func prune(_ kind: String, _ files: inout Files) {
        var names = files.setAside.keys.filter { $0.hasSuffix(".\(kind)") }.sorted()
        var bytes = names.reduce(0) { $0 + (files.setAside[$1] ?? 0) }
        while names.count > Self.maximumSetAside || bytes > Self.maximumSetAsideBytes, let oldest = names.first {
            bytes -= files.setAside.removeValue(forKey: oldest) ?? 0
            names.removeFirst()
            logger.warning("spool: oldest file that was set aside is removed", metadata: ["file": "\(oldest)"])
            do throws(SpoolError) { try disk.remove(oldest) } catch { logger.error("spool: \(error)") }
        }
    }
}
