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

/// Seconds that no clock jump moves.
enum SoakClock {
    static var now: Double { ProcessInfo.processInfo.systemUptime }
}

/// What somebody was told about a job.
struct SoakAnswer {
    /// Who was told, and of what.
    enum Matter {
        /// A sender, of an attempt of a delivery.
        case delivery
        /// The same, of an earlier delivery once more, with an attempt that must not run again.
        case again
        /// Who asked after the job.
        case question
        /// The operator who cancelled the job.
        case cancel
    }

    let id: String
    let hook: String
    var matter = Matter.delivery
    var attempt = 1
    /// Of HTTP, 0 when there was no answer; of a cancel 200 where it was done.
    let status: Int
    let job: String?
    /// The job's state, as in `succeeded`.
    let state: String?
    /// Its reason, or of what became no job the text.
    var reason = ""
    /// What is missing in output that should be whole.
    var flaw: String?
    var sentAt = 0.0
    var toldAt = 0.0

    var isSent: Bool { matter == .delivery || matter == .again }
    /// The sender may rely on it.
    var isAccepted: Bool { isSent && status / 100 == 2 }
}

/// What an operator did: that a job run again, as the new one.
struct SoakReplay {
    let origin: String
    let new: String
}

/// What all together were told, in the order of the answers.
final class SoakRecord: Sendable {
    private let answers = Mutex<[SoakAnswer]>([])
    private let replays = Mutex<[SoakReplay]>([])
    /// Jobs for which a cancel was asked, whatever became of it.
    private let cancels = Mutex<Set<String>>([])

    var all: [SoakAnswer] { answers.withLock { $0 } }
    var allReplays: [SoakReplay] { replays.withLock { $0 } }
    var cancelled: Set<String> { cancels.withLock { $0 } }

    func add(_ answer: SoakAnswer) { answers.withLock { $0.append(answer) } }
    func add(_ replay: SoakReplay) { replays.withLock { $0.append(replay) } }
    func cancel(_ job: String) { cancels.withLock { _ = $0.insert(job) } }

    /// Any answer of before that holds; nil when there is none.
    func earlier(_ numbers: inout SeededNumbers, last: Int = .max, where holds: (SoakAnswer) -> Bool = { _ in true })
        -> SoakAnswer?
    {
        answers.withLock { $0.suffix(last).filter(holds).randomElement(using: &numbers) }
    }

    /// How many were told a text with that in it.
    func count(_ text: String) -> Int { answers.withLock { $0.count { $0.reason.contains(text) } } }
}

/// A sender as ``LoadSender`` is one, that also sends earlier deliveries again, of any sender, asks after jobs, and keeps what the answers
/// say.
final class SoakSender: Sendable {
    /// How often one asks after a job at most.
    private static let questions = 6

    private let isStopped = Atomic(false)
    private let isPaused = Atomic(false)
    private let isResting = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)
    private let port: Int
    private let token: String
    private let record: SoakRecord

    /// Begins at once.
    ///
    /// - Parameter token: for hooks that demand one, and for asking after jobs.
    init(index: Int, port: Int, token: String, record: SoakRecord, seed: UInt64) {
        self.port = port
        self.token = token
        self.record = record
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
                let earlier = isRepeat ? record.earlier(&numbers, where: \.isSent) : nil
                number += earlier == nil ? 1 : 0
                let delivery =
                    earlier.flatMap { answer in
                        SoakKind.all.first { $0.name == answer.hook }.map { SoakDelivery(id: answer.id, kind: $0) }
                    }
                    ?? SoakDelivery(
                        id: "d\(index)-\(100_000 + number)", kind: SoakKind.sent[(index + number) % SoakKind.sent.count])
                for attempt in 1...(earlier == nil ? 3 : 1) {
                    guard let answer = self.send(delivery, attempt: attempt, isAgain: earlier != nil, over: &connection)
                    else { break }
                    if answer.status == 202, delivery.kind.isAskedAfter { self.ask(after: answer, &numbers, over: &connection) }
                    if answer.isAccepted || Bool.random(using: &numbers) || self.isStopped.load(ordering: .relaxed) { break }
                }
                usleep(UInt32.random(in: 30_000...200_000, using: &numbers))
            }
            self.ended.signal()
        }.start()
    }

    /// Nil when it is stopped before anybody listens.
    private func send(_ delivery: SoakDelivery, attempt: Int, isAgain: Bool, over connection: inout HTTPConnection?)
        -> SoakAnswer?
    {
        guard let open = connection ?? HTTPConnection.waiting(for: port, until: { isStopped.load(ordering: .relaxed) }) else {
            return nil
        }
        let began = SoakClock.now
        let told = try? open.exchange(
            "/hooks/\(delivery.kind.name)", body: delivery.body, headers: delivery.headers(attempt: attempt, token: token))
        connection = told == nil ? nil : open
        let json = told.map { Self.json($0.body) } ?? [:]
        var answer = SoakAnswer(
            id: delivery.id, hook: delivery.kind.name, matter: isAgain ? .again : .delivery, attempt: attempt,
            status: told?.status ?? 0, job: json["job"] as? String, state: json["status"] as? String,
            reason: json["reason"] as? String ?? json["detail"] as? String ?? "", sentAt: began, toldAt: SoakClock.now)
        if json["status"] as? String == "refused" { answer.reason += " \(json["error"] as? String ?? "")" }
        if delivery.kind.hasOutput, answer.status == 200 { answer.flaw = Self.flaw(of: json, delivery.id) }
        record.add(answer)
        return answer
    }

    /// Until it has ended, or there were enough questions.
    private func ask(after accepted: SoakAnswer, _ numbers: inout SeededNumbers, over connection: inout HTTPConnection?) {
        guard let job = accepted.job else { return }
        for _ in 0..<Self.questions where !isStopped.load(ordering: .relaxed) && !isPaused.load(ordering: .relaxed) {
            guard let open = connection ?? (try? HTTPConnection(port: port)) else { return }
            let began = SoakClock.now
            let told = try? open.get("/jobs/\(job)", headers: ["Authorization: Bearer \(token)"])
            connection = told == nil ? nil : open
            let json = told.map { Self.json($0.body) } ?? [:]
            let state = json["status"] as? String
            record.add(
                SoakAnswer(
                    id: accepted.id, hook: accepted.hook, matter: .question, status: told?.status ?? 0, job: job,
                    state: told?.status == 200 ? state : nil,
                    reason: json["reason"] as? String ?? json["detail"] as? String ?? "", sentAt: began, toldAt: SoakClock.now))
            if let state, SoakChecker.final.contains(state) { return }
            usleep(UInt32.random(in: 30_000...200_000, using: &numbers))
        }
    }

    static func json(_ body: [UInt8]) -> [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]) ?? [:]
    }

    /// What is wrong with output of which head and tail are to be kept, and all of it counted.
    private static func flaw(of json: [String: Any], _ id: String) -> String? {
        guard let part = (json["destinations"] as? [[String: Any]])?.first, let output = part["stdout"] as? String else {
            return "no output"
        }
        if !output.hasPrefix("out \(id)\nxxx") { return "the output begins \(output.prefix(40))" }
        if !output.hasSuffix("xxx\nout \(id) end\n") { return "the output ends \(output.suffix(40))" }
        if output.utf8.count > 16_384 { return "\(output.utf8.count) bytes of output are kept" }
        let total = 3_000_000 + "out \(id)\n\nout \(id) end\n".utf8.count
        return part["stdoutBytes"] as? Int == total ? nil : "\(part["stdoutBytes"] ?? 0) bytes of output in place of \(total)"
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
