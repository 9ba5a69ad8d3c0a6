internal import JSON
internal import NIOCore
internal import NIOHTTP1

/// One HTTP answer, complete.
struct Answer: Sendable {
    let status: HTTPResponseStatus
    var headers: [(name: String, value: String)]
    let body: [UInt8]
    /// What comes after the head, bit by bit, in place of the body.
    var stream: NIOLoopBound<EventStream>?
    /// The head of such an answer, for HEAD.
    var isStreamHead = false

    static func json(
        _ status: HTTPResponseStatus, headers: [(name: String, value: String)] = [], _ write: (inout JSONWriter) -> Void
    ) -> Answer {
        var writer = JSONWriter()
        write(&writer)
        return Answer(status: status, headers: headers + [("Content-Type", "application/json")], body: writer.bytes)
    }

    static func text(_ status: HTTPResponseStatus, type: String = "text/plain; charset=utf-8", _ text: String) -> Answer {
        Answer(status: status, headers: [("Content-Type", type)], body: Array(text.utf8))
    }

    /// An error before there is a job, as RFC 9457 describes it. `detail` is for people and never holds what a sender must not learn.
    static func problem(
        _ status: HTTPResponseStatus, _ detail: String, headers: [(name: String, value: String)] = []
    ) -> Answer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("type")
        writer.string("about:blank")
        writer.name("title")
        writer.string(status.reasonPhrase)
        writer.name("status")
        writer.int(Int64(status.code))
        writer.name("detail")
        writer.string(detail)
        writer.endObject()
        return Answer(status: status, headers: headers + [("Content-Type", "application/problem+json")], body: writer.bytes)
    }
}

extension Answer {
    /// RFC 9110 section 11.6.1: a 401 names the schemes that are accepted.
    static func unauthorized(_ scheme: String, _ detail: String) -> Answer {
        .problem(.unauthorized, detail, headers: [("WWW-Authenticate", scheme)])
    }

    /// RFC 9110 section 15.5.6: a 405 names the methods that are allowed.
    static func methodNotAllowed(_ allowed: String) -> Answer {
        .problem(.methodNotAllowed, "use \(allowed)", headers: [("Allow", "\(allowed), OPTIONS")])
    }

    /// RFC 9110 section 9.3.7: what may be done with a resource.
    static func options(_ allowed: String) -> Answer {
        Answer(status: .noContent, headers: [("Allow", "\(allowed), OPTIONS")], body: [])
    }

    /// What clears within seconds; `seconds` is chosen so that a sender's retries are not used up.
    static func unavailable(_ detail: String, retryAfter seconds: Int) -> Answer {
        .problem(.serviceUnavailable, detail, headers: [("Retry-After", "\(seconds)")])
    }
}
