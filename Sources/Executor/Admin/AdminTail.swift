internal import JobProtocol
internal import Logging
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf

/// An operator who follows a job: a watch of any ingress's job, whose credit is what the operator's socket takes.
final class AdminTail: WatchSink {
    private let service: AdminService
    private let channel: any Channel
    private let logger: Logger

    private init(service: AdminService, channel: any Channel, logger: Logger) {
        self.service = service
        self.channel = channel
        self.logger = logger
    }

    /// Tells what the job writes until it ends, then its record; or an error. Ends with the connection.
    static func begin(_ id: String, _ service: AdminService, on channel: any Channel, logger: Logger) {
        Task { @Sendable in
            do throws(JournalError) {
                guard let job = try await service.journal.find(id) else {
                    for response in try await service.record(id) {
                        AdminHandler.send(response, on: channel, logger: logger)
                    }
                    return
                }
                let tail = AdminTail(service: service, channel: channel, logger: logger)
                let watcher = tail.watcher(job.id)
                service.watchers.join(watcher)
                channel.closeFuture.whenComplete { _ in service.watchers.leave(watcher) }
                // Again, now that its end cannot be missed.
                service.watchers.admit(watcher, as: try await service.journal.find(job.id) ?? job)
            } catch {
                AdminHandler.send(.with { $0.error = .with { $0.message = "\(error)" } }, on: channel, logger: logger)
            }
        }
    }

    private func watcher(_ jobID: String) -> Watcher {
        let watch = WireWatch.with {
            $0.watch = 1
            $0.jobID = jobID
            $0.follow = true
            $0.credit = UInt32(WatchLimits.window)
        }
        return Watcher(watch, sink: self)
    }

    var hasRoom: Bool { channel.isWritable }

    func send(_ frame: WireFrame) {
        switch frame.kind {
        case .jobState(let state): write(.with { $0.state = state }, credit: nil)
        case .output(let output): write(.with { $0.output = output }, credit: output)
        default: break
        }
    }

    /// Never within the call, see ``LinkWatches/send(_:)``.
    private func write(_ response: WireAdminResponse, credit output: WireOutput?) {
        channel.eventLoop.execute {
            guard let bytes = try? Frames.encode(response) else { return self.channel.close(promise: nil) }
            let written = self.channel.writeAndFlush(ByteBuffer(bytes: bytes))
            guard let output else { return }
            written.whenSuccess {
                self.service.watchers.credit(
                    self.watcher(output.jobID), WatchLimits.cost(ofBytes: output.data.count))
            }
        }
    }

    func end(_ end: WireWatchEnd, result: WireJobResult?) {
        guard let result else { return channel.close(promise: nil) }
        Task { @Sendable in
            guard let responses = try? await service.record(result.originalJobID) else { return channel.close(promise: nil) }
            for response in responses { AdminHandler.send(response, on: channel, logger: logger) }
        }
    }
}
