internal import JobProtocol
internal import ProtocolMessages
internal import Telemetry

/// Makes the spans of jobs and of their commands. They say who, where, when and how it ended; never a parameter, an argument or output.
struct Tracer: Sendable {
    /// Nil where the settings ask for none.
    let writer: TraceWriter?

    /// The span that a command is to have; nil for a request without a trace.
    func command(of request: WireJobRequest) -> TraceContext? {
        guard let delivery = request.trace else { return nil }
        // What records nothing is not seen in the trace: the command belongs to what the caller said.
        return records(delivery) ? .child(of: delivery) : request.callerTrace ?? delivery
    }

    /// A command has ended, or could not be begun.
    ///
    /// - Parameters:
    ///   - context: from ``command(of:)``.
    ///   - target: of the moment; nil for a host that is not there any more.
    func ended(
        _ context: TraceContext?, _ job: RunningJob, _ result: WireDestinationResult, on target: HostDirectory.Target?,
        from start: Int64
    ) {
        guard let context, let delivery = job.request.trace, records(delivery) else { return }
        var attributes = Self.attributes(job.request, result.status)
        attributes += [
            ("sallyport.host.name", .string(result.destination)), ("sallyport.attempt", .int(Int64(job.attempts.number))),
        ]
        if let target {
            attributes += [("server.address", .string(target.address)), ("server.port", .int(Int64(target.port)))]
        }
        if result.hasExitCode { attributes.append(("process.exit.code", .int(Int64(result.exitCode)))) }
        let failure = Self.failure(result.status, result.reason, &attributes)
        writer?.add(
            Span(
                "command on \(result.destination)", .client, context, in: delivery, isParentRemote: false, from: start,
                to: WallClock.now(),
                failure: failure, attributes))
    }

    /// A job has ended, or a request became none.
    func ended(_ request: WireJobRequest, _ result: WireJobResult) {
        guard let context = request.trace, records(context) else { return }
        var attributes = Self.attributes(request, result.status)
        attributes += [("sallyport.hook.name", .string(request.hook)), ("sallyport.attempts", .int(Int64(result.attempts)))]
        let failure = Self.failure(result.status, result.reason, &attributes)
        writer?.add(
            Span(
                "job \(request.job)", .consumer, context, in: request.callerTrace, isParentRemote: true, from: request.issuedAtMs,
                to: result.finishedAtMs, failure: failure, attributes))
    }

    private func records(_ context: TraceContext) -> Bool { writer != nil && context.isSampled }

    private static func attributes(_ request: WireJobRequest, _ status: WireJobStatus) -> [(name: String, value: Span.Value)] {
        [
            ("sallyport.job.id", .string(request.jobID)), ("sallyport.job.name", .string(request.job)),
            ("sallyport.status", .string(JobNames.name(status))),
        ]
    }

    /// The word for it, as `error.type` too: the text of an error may quote what a caller sent.
    private static func failure(
        _ status: WireJobStatus, _ reason: WireReason, _ attributes: inout [(name: String, value: Span.Value)]
    ) -> String? {
        guard status != .succeeded else { return nil }
        attributes.append(("error.type", .string(JobNames.name(reason))))
        return "\(JobNames.name(status)): \(JobNames.name(reason))"
    }
}

extension WireJobRequest {
    /// The span of the delivery; nil for one whose ingress says none.
    var trace: TraceContext? { TraceContext(headers: [traceparent]) }

    /// The span that its sender said it belongs to.
    var callerTrace: TraceContext? { trace?.span(parentSpan) }
}
