internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

/// Answers the operator's questions from the journal.
struct AdminService: Sendable {
    /// Jobs one list shows when the operator does not say, and at most.
    static let listLimit = (standard: 50, maximum: 1000)

    let journal: any Journal
    let watchers: JobWatchers

    /// The answers to one request, in order, the last an end or an error.
    func answer(_ request: WireAdminRequest.OneOf_Kind) async -> [WireAdminResponse] {
        do throws(JournalError) {
            switch request {
            case .listJobs(let list): return try await records(list)
            case .showJob(let show): return try await record(show.id)
            // Answered bit by bit, see AdminTail.
            case .tailJob: return []
            }
        } catch {
            return [.with { $0.error = .with { $0.message = "\(error)" } }]
        }
    }

    private func records(_ list: WireListJobs) async throws(JournalError) -> [WireAdminResponse] {
        let limit = list.limit == 0 ? Self.listLimit.standard : min(Int(list.limit), Self.listLimit.maximum)
        let jobs = try await journal.list(
            limit: limit, status: list.status == .unspecified ? nil : list.status, job: list.job.isEmpty ? nil : list.job)
        return jobs.map { job in .with { $0.job = Self.summary(job) } } + [Self.end]
    }

    private func record(_ id: String) async throws(JournalError) -> [WireAdminResponse] {
        guard let job = try await journal.find(id) else {
            return [.with { $0.error = .with { $0.message = "no job and no event with the id \(id.prefix(JobLimits.eventID))" } }]
        }
        var record = Self.summary(job)
        record.parameters = job.request.parameters
        record.destinations = job.result?.destinations ?? []
        record.events = try await journal.history(job.id)
        return [.with { $0.job = record }, Self.end]
    }

    private static let end = WireAdminResponse.with { $0.end = .init() }

    private static func summary(_ job: StoredJob) -> WireJobRecord {
        .with {
            $0.jobID = job.id
            $0.ingress = job.ingress
            $0.hook = job.request.hook
            $0.job = job.request.job
            $0.eventID = job.request.eventID
            $0.attempt = job.attempt
            $0.status = job.status
            $0.reason = job.reason
            $0.error = job.error
            $0.acceptedAtMs = job.acceptedAt
            $0.finishedAtMs = job.finishedAt ?? 0
            $0.correlationID = job.request.correlationID
        }
    }
}
