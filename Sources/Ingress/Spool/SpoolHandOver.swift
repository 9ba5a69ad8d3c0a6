internal import Authentication
internal import JobProtocol
internal import Logging
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Telemetry

/// Hands what is spooled to the executor: of each hook one after the other, each until the executor has it or has refused it.
///
/// The same envelope is sent however often it takes, so the executor's claim makes one job of it. One that has expired is sent all the
/// same when an executor may have seen it, for it then finds its job and otherwise begins nothing; only after the executor's signed
/// word on that is the request signed anew, with the same job id and dedupe key, and on disk before it is sent.
final class SpoolHandOver: Sendable {
    private let spool: Spool
    private let desk: JobDesk
    private let keys: TrustedKeys
    private let eventLoop: any EventLoop
    private let logger: Logger

    init(_ spool: Spool, desk: JobDesk, keys: TrustedKeys, on eventLoop: any EventLoop, logger: Logger) {
        self.spool = spool
        self.desk = desk
        self.keys = keys
        self.eventLoop = eventLoop
        self.logger = logger
    }

    /// From now on, whenever something is spooled or an executor connects, and once a second.
    func start() {
        let go: @Sendable () -> Void = { self.eventLoop.execute { self.go() } }
        spool.onReady(go)
        desk.onConnected(go)
        eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in self.go() }
    }

    private func go() {
        let (now, wall) = (MonotonicClock.milliseconds(), WallClock.now())
        let isReady = desk.takesJobs
        for entry in spool.takeReady(now: now) {
            if wall - entry.storedAt > spool.settings.keep {
                let doubt = entry.mayBeKnown ? "; an executor may have it, look for the job there" : ""
                giveUp(entry.jobID, "expired", "it waited for longer than `keep` allows\(doubt)", reason: "expired")
            } else if isReady {
                read(entry)
            } else {
                spool.putBack(entry.jobID, now: now, inTurn: true)
            }
        }
    }

    private func read(_ entry: SpoolIndex.Entry) {
        spool.read(entry) { result in
            self.eventLoop.execute {
                switch result {
                case .success(let record?): self.hand(entry, record)
                case .success(nil): self.damaged(entry, "its checksum is wrong")
                case .failure(let error): self.later(entry.jobID, "\(error)")
                }
            }
        }
    }

    private func hand(_ entry: SpoolIndex.Entry, _ record: SpoolRecord) {
        let signed: SignedRequest
        do {
            signed = try record.signed(by: keys)
            guard signed.request.jobID == entry.jobID else { return damaged(entry, "another job stands in its place") }
        } catch {
            return damaged(entry, "\(error)")
        }
        if !entry.mayBeKnown, !isOfNow(signed.request, margin: Self.margin) {
            return renew(entry, record, signed)
        }
        send(entry, record, signed)
    }

    /// By this side's own clock it has at least `margin` left, and was not signed before that clock was set back.
    private func isOfNow(_ request: WireJobRequest, margin: Int64) -> Bool {
        let now = WallClock.now()
        return request.expiresAtMs > now + margin && request.issuedAtMs <= now + JobLimits.clockSkewMilliseconds
    }

    /// Less than this before its expiry, in milliseconds, a request that no executor has seen is signed anew first.
    static let margin: Int64 = 5000

    private func send(_ entry: SpoolIndex.Entry, _ record: SpoolRecord, _ signed: SignedRequest) {
        let jobID = entry.jobID
        switch desk.submit(signed, JobDesk.Wish(untilAccepted: true), on: eventLoop) {
        case .waiting(let ticket, let future):
            spool.markSent(jobID)
            future.whenComplete { result in
                switch result {
                case .success(.finished(let result)) where result.status == .refused && !ticket.joined:
                    self.refused(entry, record, signed, result)
                case .success(.finished(let result)) where result.status == .refused:
                    self.later(jobID, "the delivery it joined was refused")
                case .success(.accepted), .success(.inFlight), .success(.finished): self.done(jobID)
                case .failure(let error): self.later(jobID, "\(error)")
                }
            }
        case .unavailable, .busy, .inFlight: spool.putBack(jobID, now: MonotonicClock.milliseconds(), inTurn: false)
        case .contradiction: giveUp(jobID, "refused", "the same key is in flight with another body", reason: "replay")
        case .failed(let error): giveUp(jobID, "refused", error, reason: "failed")
        }
    }

    private func done(_ jobID: String) {
        spool.finish(jobID)
        spool.metrics.handedOver.increment()
        logger.info("spooled delivery is at the executor", metadata: ["job": "\(jobID)"])
        go()
    }

    /// The executor's signed refusal: some are for now, one is for this envelope only, the others are for good.
    private func refused(_ entry: SpoolIndex.Entry, _ record: SpoolRecord, _ signed: SignedRequest, _ result: WireJobResult) {
        switch result.reason {
        case .busy, .journal: later(entry.jobID, result.error)
        case .expired where !isOfNow(signed.request, margin: 0): renew(entry, record, signed)
        case .expired: later(entry.jobID, "the executor's clock says that a fresh request is expired")
        default: giveUp(entry.jobID, "refused", result.error, reason: JobNames.name(result.reason))
        }
    }

    /// Signs the request with new times; all else stays as it was promised.
    private func renew(_ entry: SpoolIndex.Entry, _ record: SpoolRecord, _ signed: SignedRequest) {
        let now = WallClock.now()
        var request = signed.request
        let (wait, life) = (request.waitUntilMs - request.issuedAtMs, request.expiresAtMs - request.issuedAtMs)
        request.issuedAtMs = now
        request.waitUntilMs = now + wait
        request.expiresAtMs = now + life
        let renewed: SignedRequest
        let fresh: SpoolRecord
        do {
            renewed = try desk.sign(request, body: signed.body)
            fresh = SpoolRecord(
                order: record.order, generation: record.generation + 1, storedAt: record.storedAt,
                envelope: try renewed.envelope.serializedBytes(), body: record.body)
        } catch {
            return later(entry.jobID, "\(error)")
        }
        spool.replace(entry, with: fresh) { error in
            self.eventLoop.execute {
                if let error { return self.later(entry.jobID, "\(error)") }
                self.spool.putBack(entry.jobID, now: MonotonicClock.milliseconds(), inTurn: true)
                self.go()
            }
        }
    }

    private func later(_ jobID: String, _ why: String) {
        logger.warning("spooled delivery waits", metadata: ["job": "\(jobID)", "error": "\(why)"])
        spool.putBack(jobID, now: MonotonicClock.milliseconds(), inTurn: false)
    }

    private func damaged(_ entry: SpoolIndex.Entry, _ why: String) {
        spool.metrics.damaged.increment()
        giveUp(entry.jobID, "damaged", why, reason: "damaged")
    }

    private func giveUp(_ jobID: String, _ kind: String, _ why: String, reason: String) {
        let now = WallClock.now()
        spool.metrics.refused.with(reason).increment()
        logger.error(
            "spooled delivery will not run; its record is set aside",
            metadata: ["job": "\(jobID)", "reason": "\(reason)", "error": "\(why)", "file": "\(now)-\(jobID).\(kind)"])
        spool.setAside(jobID, as: kind, now: now)
        // Not called from here: many may have expired, one behind the other.
        eventLoop.execute { self.go() }
    }
}
