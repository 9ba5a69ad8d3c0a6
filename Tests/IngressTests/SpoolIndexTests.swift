import Testing

@testable import Ingress

@Suite struct SpoolIndexTests {
    private static func entry(
        _ jobID: String, hook: String = "a", key: String = "", digest: [UInt8] = [], length: Int = 100
    ) -> SpoolIndex.Entry {
        SpoolIndex.Entry(
            jobID: jobID, hook: hook, dedupeKey: key, bodyDigest: digest, order: 0, storedAt: Samples.now, length: length,
            mayBeKnown: false)
    }

    private static func place(_ offset: Int = 0) -> SpoolPlace { SpoolPlace(segment: 1, offset: offset, length: 100) }

    private func index(bytes: Int = 10_000, records: Int = 100) -> SpoolIndex {
        SpoolIndex(maximumBytes: bytes, maximumRecords: records)
    }

    /// Takes one that is durable.
    private func stored(_ entry: SpoolIndex.Entry, in index: inout SpoolIndex) {
        #expect(index.admit(entry, onDisk: 0) == .new)
        index.confirm(entry.jobID, at: Self.place())
    }

    @Test func `as many deliveries as the limit says are taken, one more is not`() {
        var index = index(records: 2)
        #expect(index.admit(Self.entry("1"), onDisk: 0) == .new)
        #expect(index.admit(Self.entry("2"), onDisk: 0) == .new)
        #expect(index.admit(Self.entry("3"), onDisk: 0) == .full)
        index.remove("1")
        #expect(index.admit(Self.entry("3"), onDisk: 0) == .new)
    }

    @Test func `bytes on disk and bytes under way are both counted, up to the limit and no further`() {
        var index = index(bytes: 1000)
        #expect(index.admit(Self.entry("1", length: 400), onDisk: 500) == .new)
        #expect(index.admit(Self.entry("2", length: 101), onDisk: 500) == .full)
        #expect(index.admit(Self.entry("2", length: 100), onDisk: 500) == .new)
        #expect(index.admit(Self.entry("3", length: 1), onDisk: 500) == .full)
        // Written: from here on they are part of what is on disk.
        index.confirm("1", at: Self.place())
        index.confirm("2", at: Self.place())
        #expect(index.bytesUnderWay == 0)
        #expect(index.admit(Self.entry("3", length: 1), onDisk: 1000) == .full)
        #expect(index.admit(Self.entry("3", length: 1), onDisk: 999) == .new)
        // One that could not be written gives its bytes back.
        index.remove("3")
        #expect(index.bytesUnderWay == 0)
    }

    @Test func `deliveries of one hook come one at a time and in order, hooks do not wait for one another`() {
        var index = index()
        for (job, hook) in [("1", "a"), ("2", "a"), ("3", "b"), ("4", "a")] { stored(Self.entry(job, hook: hook), in: &index) }
        #expect(Set(index.takeReady(now: 0).map(\.jobID)) == ["1", "3"])
        #expect(index.takeReady(now: 0).isEmpty)
        index.remove("1")
        #expect(index.takeReady(now: 0).map(\.jobID) == ["2"])
        index.remove("2")
        index.remove("3")
        #expect(index.takeReady(now: 0).map(\.jobID) == ["4"])
        #expect(index.holds("a"))
        #expect(!index.holds("b"))
    }

    @Test func `one that is being written holds back those behind it`() {
        var index = index()
        #expect(index.admit(Self.entry("1"), onDisk: 0) == .new)
        stored(Self.entry("2"), in: &index)
        #expect(index.takeReady(now: 0).isEmpty)
        index.confirm("1", at: Self.place())
        #expect(index.takeReady(now: 0).map(\.jobID) == ["1"])
    }

    @Test func `the same event is taken once, and says whether it is durable yet`() {
        var index = index()
        #expect(index.admit(Self.entry("1", key: "k"), onDisk: 0) == .new)
        #expect(index.admit(Self.entry("2", key: "k"), onDisk: 0) == .duplicate(jobID: "1", isDurable: false))
        index.confirm("1", at: Self.place())
        #expect(index.admit(Self.entry("2", key: "k"), onDisk: 0) == .duplicate(jobID: "1", isDurable: true))
        #expect(index.admit(Self.entry("2", key: "k", digest: [1]), onDisk: 0) == .contradiction)
        #expect(index.job("k") == "1")
        index.remove("1")
        #expect(index.job("k") == nil)
        #expect(index.admit(Self.entry("2", key: "k"), onDisk: 0) == .new)
    }

    @Test func `a full spool still knows what it has`() {
        var index = index(records: 1)
        stored(Self.entry("1", key: "k"), in: &index)
        #expect(index.admit(Self.entry("2", key: "k"), onDisk: 0) == .duplicate(jobID: "1", isDurable: true))
    }

    @Test func `deliveries without an event are never the same`() {
        var index = index()
        #expect(index.admit(Self.entry("1"), onDisk: 0) == .new)
        #expect(index.admit(Self.entry("2"), onDisk: 0) == .new)
        #expect(index.job("") == nil)
    }

    @Test func `one that comes back undecided waits, each time twice as long, up to a limit`() {
        var index = index()
        stored(Self.entry("1"), in: &index)
        var now: Int64 = 0
        for wait in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] as [Int64] {
            #expect(index.takeReady(now: now).count == 1)
            index.putBack("1", now: now, inTurn: false)
            #expect(index.takeReady(now: now + wait - 1).isEmpty)
            now += wait
        }
        #expect(index.takeReady(now: now).count == 1)
        index.putBack("1", now: now, inTurn: true)
        #expect(index.takeReady(now: now).count == 1)
    }
}
