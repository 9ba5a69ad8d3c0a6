import Synchronization
import Testing

@testable import Executor

@Suite struct SlotsTests {
    private let slots = Slots()
    private let order = Order()

    /// Who went on, in that order.
    private final class Order: Sendable {
        private let names = Mutex<[String]>([])
        var list: [String] { names.withLock { $0 } }
        func note(_ name: String) { names.withLock { $0.append(name) } }
    }

    /// How many hold a slot, now and at most.
    private final class Holders: Sendable {
        private let counts = Mutex((now: 0, most: 0))
        var most: Int { counts.withLock { $0.most } }
        func enter() { counts.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) } }
        func leave() { counts.withLock { $0.now -= 1 } }
    }

    private func need(_ keys: String..., limit: Int = 1) -> [Slots.Need] { keys.map { Slots.Need(key: $0, limit: limit) } }

    /// Begins to wait, and returns when it waits.
    private func wait(_ name: String, for needs: [Slots.Need]) async -> Task<Void, Never> {
        let before = slots.waitingCount
        let (slots, order) = (slots, order)
        let task = Task {
            await slots.acquire(needs)
            order.note(name)
        }
        while slots.waitingCount == before { await Task.yield() }
        return task
    }

    @Test func `a key has as many holders as its limit says`() {
        #expect(slots.tryAcquire(need("a", limit: 2)))
        #expect(slots.tryAcquire(need("a", limit: 2)))
        #expect(!slots.tryAcquire(need("a", limit: 2)))
        slots.release(need("a", limit: 2))
        #expect(slots.tryAcquire(need("a", limit: 2)))
        #expect(!slots.tryAcquire(need("a", limit: 2)))
    }

    @Test func `of several keys all are taken or none`() {
        #expect(slots.tryAcquire(need("a")))
        #expect(!slots.tryAcquire(need("b", "a")))
        #expect(slots.tryAcquire(need("b")))
        slots.release(need("a"))
        #expect(!slots.tryAcquire(need("a", "b")))
        #expect(slots.tryAcquire(need("a")))
    }

    @Test func `what is free is had without waiting`() async {
        await slots.acquire(need("a"))
        #expect(slots.waitingCount == 0)
        #expect(!slots.tryAcquire(need("a")))
    }

    @Test func `those who wait for a key go on in the order they came`() async {
        #expect(slots.tryAcquire(need("a")))
        var tasks: [Task<Void, Never>] = []
        for name in ["1", "2", "3"] { tasks.append(await wait(name, for: need("a"))) }
        for task in tasks {
            slots.release(need("a"))
            await task.value
        }
        #expect(order.list == ["1", "2", "3"])
        #expect(slots.waitingCount == 0)
    }

    @Test func `nobody overtakes on a key that somebody waits for`() async {
        #expect(slots.tryAcquire(need("host", "job")))
        // Waits for both; the second key is free from here on, and kept free for it.
        let first = await wait("first", for: need("host", "other"))
        #expect(!slots.tryAcquire(need("other")))
        let second = await wait("second", for: need("other"))
        slots.release(need("job"))
        #expect(order.list.isEmpty)
        slots.release(need("host"))
        await first.value
        #expect(order.list == ["first"])
        slots.release(need("host", "other"))
        await second.value
        #expect(order.list == ["first", "second"])
    }

    @Test func `a full host delays nobody who does not need it`() async {
        #expect(slots.tryAcquire(need("host/slow")))
        let waiting = await wait("slow", for: need("job/a", "host/slow"))
        #expect(slots.tryAcquire(need("job/b", "host/fast")))
        await slots.acquire(need("job/c", "host/other"))
        slots.release(need("host/slow"))
        await waiting.value
        #expect(order.list == ["slow"])
    }

    @Test func `a release wakes everybody who can go on, and nobody else`() async {
        #expect(slots.tryAcquire(need("a", "b")))
        let first = await wait("a", for: need("a"))
        let second = await wait("both", for: need("a", "b"))
        let third = await wait("b", for: need("b"))
        slots.release(need("a", "b"))
        await first.value
        // The second waits for both and holds the third back, which came later.
        #expect(slots.waitingCount == 2)
        slots.release(need("a"))
        await second.value
        #expect(slots.waitingCount == 1)
        slots.release(need("a", "b"))
        await third.value
        #expect(order.list == ["a", "both", "b"])
    }

    @Test func `no more than the limit may wait`() async {
        #expect(slots.tryAcquire(need("a")))
        var tasks: [Task<Void, Never>] = []
        for index in 0..<Slots.maximumWaiting {
            #expect(slots.mayWait)
            tasks.append(await wait("\(index)", for: need("a")))
        }
        #expect(!slots.mayWait)
        slots.release(need("a"))
        await tasks[0].value
        #expect(slots.mayWait)
        for task in tasks.dropFirst() {
            slots.release(need("a"))
            await task.value
        }
        #expect(order.list == (0..<1024).map(String.init))
    }

    @Test func `a limit holds when many come at once`() async {
        let (slots, holders, done) = (slots, Holders(), Order())
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                group.addTask {
                    let needs = [Slots.Need(key: "a", limit: 3)]
                    await slots.acquire(needs)
                    holders.enter()
                    await Task.yield()
                    holders.leave()
                    slots.release(needs)
                    done.note("\(index)")
                }
            }
        }
        #expect(done.list.count == 200)
        #expect(holders.most <= 3)
        #expect(slots.waitingCount == 0)
    }
}
