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
        if path == "/readyz", !desk.isReady {
            guard let spool, spool.takesMore, hooks.values.contains(where: \.spools) else {
                return .text(.serviceUnavailable, "no executor is connected\n")
            }
            return .text(.ok, "no executor is connected; deliveries are spooled\n")
        }
        return .text(.ok, "ok\n")
    }
}
