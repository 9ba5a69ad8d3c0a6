import Testing

@testable import Ingress

@Suite struct AnswerSpacingTests {
    private func pause(_ answer: Answer, _ attempt: UInt32) -> String? {
        answer.spaced(attempt: attempt).header("Retry-After")
    }

    @Test(arguments: [
        (0, "5"), (1, "5"), (2, "10"), (3, "20"), (10, "2560"), (11, "3600"), (50, "3600"), (10_000, "3600"),
        (UInt32.max, "3600"),
    ])
    func `what cannot be taken now is asked for less often from attempt to attempt, and hourly at last`(
        attempt: UInt32, text: String
    ) {
        #expect(pause(.unavailable("no executor is connected", retryAfter: 5), attempt) == text)
    }

    @Test func `fifty attempts outlast a day, and ten retries an hour`() {
        let pauses = (1..<50).compactMap { Int(pause(.unavailable("", retryAfter: 5), UInt32($0)) ?? "") }
        #expect(pauses.count == 49)
        #expect(pauses.reduce(0, +) > 24 * 3600)
        #expect(pauses.prefix(10).reduce(0, +) > 3600)
    }

    @Test func `a rate keeps nobody away for more than a minute`() {
        let answer = LimitMet.rate(nanoseconds: 1).answer
        #expect((1...8).map { pause(answer, $0) } == ["1", "2", "4", "8", "16", "32", "60", "60"])
        #expect(pause(LimitMet.totalRate(nanoseconds: 3600 * 1_000_000_000).answer, 9) == "60")
    }

    @Test func `nothing else is changed`() {
        #expect(pause(.problem(.conflict, "in flight", headers: [("Retry-After", "5")]), 9) == "5")
        #expect(pause(.problem(.badGateway, "unreachable"), 9) == nil)
        let answer = Answer.unavailable("no executor is connected", retryAfter: 5)
        #expect(answer.spaced(attempt: 4).body == answer.body)
        #expect(answer.spaced(attempt: 4).headers.count == answer.headers.count)
    }
}
