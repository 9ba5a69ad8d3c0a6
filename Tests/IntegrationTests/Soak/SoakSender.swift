import Foundation
import Synchronization
import TestSupport

/// The same numbers for the same seed (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// What a sender was told about one attempt of a delivery.
struct SoakAnswer {
    let id: String
    let hook: String
    let attempt: Int
    /// An earlier delivery once more, with an attempt that must not run again.
    let isRepeat: Bool
    /// 0 when there was no answer.
    let status: Int
    let job: String?
    /// The job's state, as in `succeeded`.
    let state: String?
}

/// What all senders together were told, in the order of the answers.
final class SoakRecord: Sendable {
    private let answers = Mutex<[SoakAnswer]>([])

    var all: [SoakAnswer] { answers.withLock { $0 } }

    func add(_ answer: SoakAnswer) { answers.withLock { $0.append(answer) } }

    /// Any delivery of before; nil when there is none yet.
    func earlier(_ numbers: inout SeededNumbers) -> (id: String, hook: String)? {
        let number = numbers.next()
        return answers.withLock { answers in
            guard !answers.isEmpty else { return nil }
            let answer = answers[Int(number % UInt64(answers.count))]
            return (answer.id, answer.hook)
        }
    }
}

/// A sender as ``LoadSender`` is one, that also sends earlier deliveries again, of any sender, and keeps what the answers say.
final class SoakSender: Sendable {
    private let isStopped = Atomic(false)
    private let isPaused = Atomic(false)
    private let isResting = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)

    /// Begins at once.
    init(index: Int, port: Int, hooks: [String], record: SoakRecord, seed: UInt64) {
        Thread {
            var numbers = SeededNumbers(seed)
            var connection: HTTPConnection?
            var number = 0
            while !self.isStopped.load(ordering: .relaxed) {
                if self.isPaused.load(ordering: .relaxed) {
                    self.isResting.store(true, ordering: .relaxed)
                    usleep(2_000)
                    continue
                }
                self.isResting.store(false, ordering: .relaxed)
                let isRepeat = Int.random(in: 0..<10, using: &numbers) == 0
                let earlier = isRepeat ? record.earlier(&numbers) : nil
                number += earlier == nil ? 1 : 0
                let (id, hook) = earlier ?? ("d\(index)-\(100_000 + number)", hooks[(index + number) % hooks.count])
                for attempt in 1...(earlier == nil ? 3 : 1) {
                    guard
                        let open = connection
                            ?? HTTPConnection.waiting(for: port, until: { self.isStopped.load(ordering: .relaxed) })
                    else { break }
                    connection = open
                    let answer = try? open.exchange(
                        "/hooks/\(hook)", body: #"{"id":"\#(id)"}"#,
                        headers: ["X-Hookdeck-EventID: evt_\(id)", "X-Hookdeck-Attempt-Count: \(attempt)"])
                    if answer == nil { connection = nil }
                    let json = answer.flatMap { try? JSONSerialization.jsonObject(with: Data($0.body)) as? [String: Any] }
                    let status = answer?.status ?? 0
                    record.add(
                        SoakAnswer(
                            id: id, hook: hook, attempt: attempt, isRepeat: earlier != nil, status: status,
                            job: json?["job"] as? String, state: json?["status"] as? String))
                    if status / 100 == 2 || Bool.random(using: &numbers) || self.isStopped.load(ordering: .relaxed) { break }
                }
                usleep(UInt32.random(in: 30_000...200_000, using: &numbers))
            }
            self.ended.signal()
        }.start()
    }

    /// Begins nothing new; returns when what was sent is answered.
    func pause() {
        isPaused.store(true, ordering: .relaxed)
        _ = eventually(within: 90) { isResting.load(ordering: .relaxed) }
    }

    func resume() {
        isResting.store(false, ordering: .relaxed)
        isPaused.store(false, ordering: .relaxed)
    }

    /// Ends after the delivery that is under way.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
        ended.wait()
    }
}
