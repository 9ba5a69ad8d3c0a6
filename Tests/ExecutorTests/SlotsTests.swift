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
        let ticket = slots.reenter(needs)
        #expect(slots.waitingCount == before + 1)
        return Task {
            if await slots.wait(ticket) { order.note(name) }
        }
    }

    /// Takes `needs` where that is possible at once.
    private func take(_ needs: [Slots.Need]) -> Bool {
        guard let ticket = slots.enter(needs) else { return false }
        if !ticket.isGranted { slots.leave(ticket) }
        return ticket.isGranted
    }

    @Test func `a line that is closed lets nobody on: not who waits, not who comes, not when a slot becomes free`() async {
        #expect(take(need("a")))
        let waits = await wait("first", for: need("a"))
        slots.close()
        await waits.value
        let late = slots.reenter(need("a"))
        #expect(slots.waitingCount == 0)
        slots.release(need("a"))
        #expect(await !slots.wait(late))
        #expect(order.list.isEmpty)
    }

    @Test func `a key has as many holders as its limit says`() {
        #expect(take(need("a", limit: 2)))
        #expect(take(need("a", limit: 2)))
        #expect(!take(need("a", limit: 2)))
        slots.release(need("a", limit: 2))
        #expect(take(need("a", limit: 2)))
        #expect(!take(need("a", limit: 2)))
    }

    @Test func `of several keys all are taken or none`() {
        #expect(take(need("a")))
        #expect(!take(need("b", "a")))
        #expect(take(need("b")))
        slots.release(need("a"))
        #expect(!take(need("a", "b")))
        #expect(take(need("a")))
    }

    @Test func `what is free is had without waiting`() async {
        let ticket = slots.reenter(need("a"))
        #expect(ticket.isGranted)
        #expect(await slots.wait(ticket))
        #expect(slots.waitingCount == 0)
        #expect(!take(need("a")))
    }

    @Test func `those who wait for a key go on in the order they came`() async {
        #expect(take(need("a")))
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
        #expect(take(need("host", "job")))
        // Waits for both; the second key is free from here on, and kept free for it.
        let first = await wait("first", for: need("host", "other"))
        #expect(!take(need("other")))
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
        #expect(take(need("host/slow")))
        let waiting = await wait("slow", for: need("job/a", "host/slow"))
        #expect(take(need("job/b", "host/fast")))
        #expect(take(need("job/c", "host/other")))
        slots.release(need("host/slow"))
        await waiting.value
        #expect(order.list == ["slow"])
    }

    private func lane(_ key: String) -> [Slots.Need] { [Slots.Need(key: key, limit: 1, comesFirst: true)] }

    @Test func `who waits for a lane keeps nobody from the host and the job it will need`() async {
        let needs = lane("lane/a") + need("job/a", "host/1", limit: 2)
        #expect(take(needs))
        let waiting = await wait("second of the lane", for: needs)
        #expect(take(need("host/1", limit: 2)))
        slots.release(need("host/1", limit: 2))
        // Another lane of the same job, too.
        #expect(take(lane("lane/b") + need("job/a", "host/1", limit: 2)))
        slots.release(needs)
        await waiting.value
        #expect(order.list == ["second of the lane"])
    }

    @Test func `a job that keeps its lane between two attempts gets on while others wait for that lane`() async {
        let (lane, rest) = (lane("lane/a"), need("job/a", "host/1"))
        #expect(take(lane + rest))
        let next = await wait("next", for: lane + rest)
        slots.release(rest)
        let again = slots.reenter(rest)
        #expect(again.isGranted)
        slots.release(lane + rest)
        await next.value
        #expect(order.list == ["next"])
    }

    @Test func `who has its lane and waits for a host is not overtaken there`() async {
        #expect(take(need("host/1")))
        let first = await wait("first", for: lane("lane/a") + need("job/a", "host/1"))
        #expect(!take(need("job/a")))
        #expect(!take(lane("lane/a")))
        slots.release(need("host/1"))
        await first.value
        #expect(!take(need("host/1")))
    }

    @Test func `a release wakes everybody who can go on, and nobody else`() async {
        #expect(take(need("a", "b")))
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
        #expect(take(need("a")))
        var tasks: [Task<Void, Never>] = []
        for index in 0..<Slots.maximumWaiting {
            #expect(slots.waitingCount == index)
            tasks.append(await wait("\(index)", for: need("a")))
        }
        #expect(slots.enter(need("a")) == nil)
        // What is free is no matter of the line, and what was accepted before has a place in any case.
        #expect(take(need("b")))
        let extra = slots.reenter(need("a"))
        #expect(slots.waitingCount == Slots.maximumWaiting + 1)
        slots.leave(extra)
        slots.release(need("a"))
        await tasks[0].value
        #expect(slots.enter(need("a")).map(slots.leave) != nil)
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
                    _ = await slots.wait(slots.reenter(needs))
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

    @Test func `a place is kept from the moment it was given out, whoever waits first`() async {
        #expect(take(need("a")))
        let first = slots.reenter(need("a"))
        let second = slots.reenter(need("a"))
        slots.release(need("a"))
        #expect(!take(need("a")))
        #expect(await slots.wait(first))
        slots.release(need("a"))
        #expect(await slots.wait(second))
        #expect(slots.waitingCount == 0)
    }

    @Test func `a place that is given up is the next one's, taken or not`() async {
        #expect(take(need("a")))
        let first = slots.reenter(need("a"))
        let second = slots.reenter(need("a"))
        slots.leave(first)
        #expect(slots.waitingCount == 1)
        slots.release(need("a"))
        // The turn has come, and nobody waited for it yet.
        slots.leave(second)
        #expect(take(need("a")))
        #expect(await !slots.wait(second))
    }

    @Test func `a wait can be ended before its turn, and not after it`() async {
        #expect(take(need("a")))
        let first = await wait("first", for: need("a"))
        let ticket = slots.reenter(need("a"))
        #expect(slots.cancel(ticket))
        #expect(!slots.cancel(ticket))
        #expect(await !slots.wait(ticket))
        slots.release(need("a"))
        await first.value
        let granted = slots.reenter(need("b"))
        #expect(!slots.cancel(granted))
        #expect(order.list == ["first"])
    }

    @Test func `a key has as many waiters as it says, to the one`() {
        let lane = [Slots.Need(key: "lane/a", limit: 1, queue: 2)]
        let tickets = (0..<3).map { _ in slots.enter(lane) }
        #expect(tickets.map { $0?.isGranted } == [true, false, false])
        #expect(slots.enter(lane) == nil)
        #expect(slots.enter([Slots.Need(key: "lane/b", limit: 1, queue: 2)])?.isGranted == true)
        if let last = tickets[2] { slots.leave(last) }
        #expect(slots.enter(lane) != nil)
    }
}
