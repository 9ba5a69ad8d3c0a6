import CLinux
import Glibc
import ProtocolMessages
import Testing

@testable import SSH

/// The threads that look names up, with a resolver of the test's own: `slow…` takes a second, `none…` is not there, `many` has too many
/// addresses, everything else is 192.0.2.1.
@Suite(.serialized)
struct NameLookupTests {
    private static let resolver: sallyport_lookup_function = { host, _, addresses, capacity in
        let name = String(cString: host)
        if name.hasPrefix("slow") { usleep(1_000_000) }
        if name.hasPrefix("none") { return EAI_NONAME }
        let count = name == "many" ? capacity : 1
        for index in 0..<count { sallyport_tcp_addresses("192.0.2.\(index + 1)", 1, addresses + index, 1) }
        return Int32(count)
    }

    private func lookup(threads: Int, maximum: Int = 16) throws -> NameLookup {
        let names = try NameLookup(maximum: maximum, function: Self.resolver)
        try names.start(threads: threads)
        return names
    }

    /// Collects until `question` is answered; how long that took.
    private func wait(_ names: NameLookup, _ question: NameLookup.Question, _ limit: Int = 5_000) -> Int {
        let begun = Monotonic.now()
        while question.answer == nil, Monotonic.now() - begun < limit {
            var entry = pollfd(fd: names.descriptor, events: Int16(POLLIN), revents: 0)
            poll(&entry, 1, 100)
            names.collect()
        }
        return Monotonic.now() - begun
    }

    @Test func `a name has its addresses, at most eight, and one that is not there says so`() throws {
        let names = try lookup(threads: 1)
        let (found, many, none) = (try names.ask("db"), try names.ask("many"), try names.ask("none"))
        for question in [found, many, none] { _ = wait(names, question) }
        #expect(try found.answer?.get().count == 1)
        #expect(try many.answer?.get().count == NameLookup.maximumAddresses)
        guard case .failure(let failure) = none.answer else {
            return #expect(Bool(false), "an answer for a name that is not there")
        }
        #expect(failure.reason == .unreachable)
        #expect(failure.message == "the name does not resolve: Name or service not known")
    }

    @Test func `an address is no question, in either family`() {
        #expect(NameLookup.numeric("192.0.2.1")?.count == 1)
        #expect(NameLookup.numeric("2001:db8::1")?.count == 1)
        #expect(NameLookup.numeric("localhost") == nil)
        #expect(NameLookup.numeric("") == nil)
    }

    @Test func `a name that hangs holds up no other as long as there is another thread`() throws {
        let names = try lookup(threads: 2)
        let slow = try names.ask("slow")
        let quick = try names.ask("quick")
        #expect(wait(names, quick) < 500)
        #expect(slow.answer == nil)
        #expect(names.delay(of: slow).hasPrefix("no name server has answered in time"))
        #expect(wait(names, slow) > 300)
        #expect(slow.answer != nil)
    }

    @Test func `a name that hangs holds one thread up, whoever asks for it and gives up`() throws {
        let names = try lookup(threads: 2)
        for _ in 0..<4 {
            let question = try names.ask("slow")
            usleep(20_000)
            names.leave(question)
        }
        #expect(wait(names, try names.ask("quick")) < 500)
    }

    @Test func `who waits for a thread learns which names hold them`() throws {
        let names = try lookup(threads: 2)
        let held = try ["slow-1", "slow-2"].map { try names.ask($0) }
        usleep(100_000)
        let question = try names.ask("quick")
        #expect(
            names.delay(of: question).hasPrefix(
                "all lookups are held up by other names (slow-1, slow-2); look at the name servers"))
        #expect(wait(names, question) > 500)
        #expect(question.answer != nil)
        _ = held
    }

    @Test func `as many names wait as there may, one more is refused, and one that is given up makes room`() throws {
        let names = try lookup(threads: 1, maximum: 3)
        let held = try names.ask("slow")
        usleep(100_000)
        let waiting = try names.ask("a")
        let other = try names.ask("b")
        // The same name is no other.
        let same = try names.ask("b")
        let failure = #expect(throws: SSHFailure.self) { try names.ask("c") }
        #expect(failure?.reason == .busy)
        #expect(failure?.message.hasPrefix("3 names wait to be looked up already") == true)
        names.leave(waiting)
        let next = try names.ask("c")
        names.leave(other)
        // Somebody else still wants it.
        #expect(throws: SSHFailure.self) { try names.ask("d") }
        #expect(wait(names, same) > 500)
        _ = wait(names, next)
        #expect(same.answer != nil && next.answer != nil && waiting.answer == nil)
        _ = held
    }

    @Test func `a name of 255 bytes is looked up, a longer one is not`() throws {
        let names = try lookup(threads: 1)
        let longest = try names.ask(String(repeating: "a", count: 255))
        _ = wait(names, longest)
        #expect(longest.answer != nil)
        let failure = #expect(throws: SSHFailure.self) { try names.ask(String(repeating: "a", count: 256)) }
        #expect(failure?.message == "a name has at most 255 bytes")
    }

    @Test func `what still hangs when nobody needs it any more does no harm`() throws {
        var names: NameLookup? = try lookup(threads: 1)
        weak let gone = names
        _ = try names?.ask("slow")
        usleep(50_000)
        names = nil
        #expect(gone == nil)
        usleep(1_200_000)
    }
}
