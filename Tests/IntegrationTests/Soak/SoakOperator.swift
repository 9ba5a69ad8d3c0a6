import Foundation
import Synchronization
import TestSupport

/// An operator at work under load: sends what must be cancelled and cancels it, cancels what senders have sent, and has jobs run again.
final class SoakOperator: Sendable {
    private let isStopped = Atomic(false)
    private let isPaused = Atomic(false)
    private let isResting = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)
    private let bed: TestBed
    private let record: SoakRecord

    /// Begins at once.
    init(_ bed: TestBed, record: SoakRecord, seed: UInt64) {
        self.bed = bed
        self.record = record
        Thread {
            var numbers = SeededNumbers(seed)
            var number = 0
            while !self.isStopped.load(ordering: .relaxed) {
                if self.isPaused.load(ordering: .relaxed) {
                    self.isResting.store(true, ordering: .relaxed)
                    usleep(2_000)
                    continue
                }
                self.isResting.store(false, ordering: .relaxed)
                number += 1
                switch number % 4 {
                case 0, 2: self.hold("o0-\(100_000 + number)", &numbers)
                case 1:
                    let open = record.earlier(&numbers, last: 40) { $0.isSent && $0.status == 202 && $0.job != nil }
                    if let open, let job = open.job { self.cancel(job, open.id, open.hook) }
                default:
                    let over = record.earlier(&numbers) { SoakChecker.final.contains($0.state ?? "") && $0.job != nil }
                    if let job = over?.job { self.replay(job) }
                }
                usleep(UInt32.random(in: 100_000...500_000, using: &numbers))
            }
            self.ended.signal()
        }.start()
    }

    private func hold(_ id: String, _ numbers: inout SeededNumbers) {
        let delivery = SoakDelivery(id: id, kind: .held)
        let began = SoakClock.now
        guard let connection = try? HTTPConnection(port: bed.httpPort) else { return }
        let told = try? connection.exchange(
            "/hooks/\(delivery.kind.name)", body: delivery.body, headers: delivery.headers(attempt: 1, token: ""))
        let json = told.map { SoakSender.json($0.body) } ?? [:]
        let job = json["job"] as? String
        record.add(
            SoakAnswer(
                id: id, hook: delivery.kind.name, status: told?.status ?? 0, job: job, state: json["status"] as? String,
                reason: json["reason"] as? String ?? json["detail"] as? String ?? "", sentAt: began, toldAt: SoakClock.now))
        guard told?.status == 202, let job else { return }
        usleep(UInt32.random(in: 0...800_000, using: &numbers))
        cancel(job, id, delivery.kind.name)
    }

    private func cancel(_ job: String, _ id: String, _ hook: String) {
        record.cancel(job)
        let began = SoakClock.now
        guard let done = try? bed.command(["jobs", "cancel", job, "--json"]) else { return }
        let json = SoakSender.json(Array(done.output.utf8))
        record.add(
            SoakAnswer(
                id: id, hook: hook, matter: .cancel, status: done.code == 0 ? 200 : 0, job: job,
                state: done.code == 0 ? json["status"] as? String : nil, reason: json["reason"] as? String ?? "", sentAt: began,
                toldAt: SoakClock.now))
    }

    private func replay(_ job: String) {
        guard let done = try? bed.command(["jobs", "replay", job, "--json"]) else { return }
        let json = SoakSender.json(Array(done.output.utf8))
        if done.code == 0, let new = json["newJob"] as? String { record.add(SoakReplay(origin: job, new: new)) }
    }

    /// Begins nothing new; returns when what was asked is done.
    func pause() {
        isPaused.store(true, ordering: .relaxed)
        _ = eventually(within: 90) { isResting.load(ordering: .relaxed) }
    }

    func resume() {
        isResting.store(false, ordering: .relaxed)
        isPaused.store(false, ordering: .relaxed)
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        ended.wait()
    }
}
