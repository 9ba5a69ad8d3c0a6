internal import CLinux
internal import Glibc
internal import JobProtocol
public import Settings

/// Asks a running ingress whether it is ready, as a container's health check does where there is no other program to ask with.
public struct ReadinessProbe {
    /// Bytes of an answer that are looked at.
    static let maximumAnswer = 4096

    private let place: ListenPlace

    /// Reads where to ask from the settings, and no more of them: no secret is needed for it.
    ///
    /// - Throws: ``SettingsProblems``, also when there is no listener that can be asked.
    public init(file: String) throws(SettingsProblems) {
        let source = try SettingsFile(path: file)
        let root = source.root.mapping(IngressSettings.keys)
        let listen = root.required("listen")
        let keys = listen.mapping(ListenPlace.keys + ["tls"])
        let own = IngressSettings.operations(root.optional("operations"))
        var place = own
        if !root.optional("operations").isPresent {
            if keys.optional("tls").isPresent { listen.problem("a probe speaks no TLS; add an `operations` listener") }
            place = ListenPlace.read(listen, keys)
        }
        if case .systemd = place { listen.problem("the address of a systemd socket is not known here; probe it from outside") }
        if case .tcp(_, 0) = place { listen.problem("port 0 is another one at each start; a probe needs a fixed one") }
        try source.finish()
        guard let place else { throw SettingsProblems(problems: []) }
        self.place = place
    }

    /// Asks for `/readyz`; blocks.
    ///
    /// - Returns: what to print.
    /// - Throws: ``ProbeError`` when the ingress is not ready or does not answer within `limit`.
    public func run(within limit: Duration) throws(ProbeError) -> String {
        let deadline = MonotonicClock.now() + limit.nanoseconds
        let descriptor = try connect(until: deadline)
        defer { close(descriptor) }
        let request = Array("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        guard unsafe send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw ProbeError("\(place) takes no request")
        }
        var answer: [UInt8] = []
        while answer.count < Self.maximumAnswer, Self.wait(descriptor, POLLIN, until: deadline) {
            var piece = [UInt8](repeating: 0, count: 1024)
            let count = unsafe read(descriptor, &piece, piece.count)
            guard count > 0 else { break }
            answer += piece.prefix(count)
        }
        let text = String(decoding: answer, as: UTF8.self)
        let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
        guard words.count > 1, words[0].hasPrefix("HTTP/1.") else { throw ProbeError("\(place) does not answer in HTTP") }
        guard words[1] == "200" else { throw ProbeError("not ready: \(place) answers \(words[1])") }
        return "ready"
    }

    private func connect(until deadline: Int64) throws(ProbeError) -> Int32 {
        switch place {
        case .unix(let path, _):
            do throws(SocketError) {
                return try UnixSocket.connect(path: path)
            } catch {
                throw ProbeError("\(error)")
            }
        case .tcp(let host, let port):
            var address = sallyport_address()
            let isFound = unsafe sallyport_tcp_addresses(host, 0, &address, 1) > 0
            let descriptor = unsafe isFound ? sallyport_tcp_connect(&address, UInt16(port)) : -1
            guard descriptor >= 0 else { throw ProbeError("\(place) cannot be connected to") }
            guard Self.wait(descriptor, POLLOUT, until: deadline), sallyport_tcp_result(descriptor) == 0 else {
                close(descriptor)
                throw ProbeError("nobody listens at \(place)")
            }
            return descriptor
        case .systemd: throw ProbeError("the address of \(place) is not known")
        }
    }

    private static func wait(_ descriptor: Int32, _ events: Int32, until deadline: Int64) -> Bool {
        let left = deadline - MonotonicClock.now()
        guard left > 0 else { return false }
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return unsafe poll(&entry, 1, Int32(left / 1_000_000) + 1) == 1
    }
}

/// The ingress is not ready, or cannot be asked.
public struct ProbeError: Error, CustomStringConvertible {
    /// For people.
    public let description: String

    init(_ description: String) { self.description = description }
}
