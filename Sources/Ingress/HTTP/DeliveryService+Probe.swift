internal import NIOHTTP1

extension DeliveryService {
    /// Answers what is no hook: health, readiness, or nothing.
    func probe(_ path: Substring, _ head: HTTPRequestHead) -> Answer {
        // RFC 9110 section 9.3.7: the server as a whole.
        if path == "*", head.method == .OPTIONS { return .options("GET, HEAD, POST") }
        guard path == "/healthz" || path == "/readyz" else { return .problem(.notFound, "hooks are at /hooks/{name}") }
        if head.method == .OPTIONS { return .options("GET, HEAD") }
        guard head.method == .GET || head.method == .HEAD else { return .methodNotAllowed("GET, HEAD") }
        if path == "/readyz", isDraining { return .text(.serviceUnavailable, "stopping\n") }
        if path == "/readyz", let reason = whyNotReady {
            guard let spool, spool.takesMore, hooks.values.contains(where: \.spools) else {
                return .text(.serviceUnavailable, "\(reason)\n")
            }
            return .text(.ok, "\(reason); deliveries are spooled\n")
        }
        return .text(.ok, "ok\n")
    }

    private var whyNotReady: String? {
        guard desk.isReady else { return "no executor is connected" }
        return desk.journalIsAway ? "the executor cannot reach its journal" : nil
    }
}
