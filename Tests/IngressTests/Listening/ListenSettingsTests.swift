import Glibc
import Settings
import Testing

@testable import Ingress

@Suite struct ListenSettingsTests {
    private func read(_ text: String) -> (place: ListenPlace?, problems: [String]) {
        do throws(SettingsProblems) {
            let file = try SettingsFile(text: "listen: {\(text)}", file: "/etc/sallyport/ingress.yaml")
            let listen = ListenSettings(file.root.mapping("listen").required("listen"))
            try file.finish()
            return (listen?.place, [])
        } catch {
            return (nil, error.problems.map(\.message))
        }
    }

    @Test(arguments: [
        ("address: 127.0.0.1, port: 80", ListenPlace.tcp(host: "127.0.0.1", port: 80)),
        ("address: '::', port: 0", .tcp(host: "::", port: 0)),
        ("unix: /run/s.sock", .unix(path: "/run/s.sock", mode: 0o660)),
        ("unix: s.sock, mode: \"0600\"", .unix(path: "/etc/sallyport/s.sock", mode: 0o600)),
        ("systemd: hooks", .systemd(name: "hooks")),
    ])
    func `a place is one of three kinds`(text: String, place: ListenPlace) { #expect(read(text).place == place) }

    @Test(arguments: [
        ("address: 127.0.0.1", "`port` is missing"), ("port: 80", "`address` is missing"), ("", "`address` is missing"),
        ("address: x, port: 65536", "expected a whole number from 0 to 65535"),
        ("unix: /s, systemd: x", "write one of {address: …, port: …}, {unix: path} or {systemd: name}"),
        ("unix: /s, port: 80", "write one of {address: …, port: …}, {unix: path} or {systemd: name}"),
        ("systemd: x, mode: \"0600\"", "`mode` is for a Unix socket"),
        ("unix: /s, mode: \"0666\"", "expected a file mode such as \"0660\", with nothing for others"),
        ("systemd: a b", "not a name: letters, digits, `.`, `_` and `-`, beginning with a letter or digit, 64 at most"),
        ("address: x, port: 1, tls: {}", "`certificate` is missing"),
        (
            "address: x, port: 1, tls: {certificate: /nowhere, private-key: {file: /nowhere}}",
            "/nowhere: cannot be opened: No such file or directory"
        ),
    ])
    func `what is no place is refused and says what would be`(text: String, problem: String) {
        #expect(read(text).problems.contains(problem), "\(read(text).problems)")
    }

    @Test(arguments: [
        (ListenPlace.tcp(host: "::1", port: 8), "[::1]:8"), (.tcp(host: "a", port: 8), "a:8"),
        (.unix(path: "/s", mode: 0), "unix:/s"),
        (.systemd(name: "x"), "systemd:x"),
    ])
    func `a place is written as in messages`(place: ListenPlace, text: String) { #expect("\(place)" == text) }

    @Test func `sockets meant for another process, or too many, are not taken over`() {
        #expect(InheritedSockets(process: "7", count: "2", names: "a:b", own: 7).left == ["a", "b"])
        #expect(InheritedSockets(process: "7", count: "2", names: "a", own: 7).left == ["a", "unknown"])
        #expect(InheritedSockets(process: "7", count: "1", names: nil, own: 7).left == ["unknown"])
        #expect(InheritedSockets(process: "8", count: "1", names: "a", own: 7).left == [])
        #expect(InheritedSockets(process: nil, count: "1", names: "a", own: 7).left == [])
        for count in ["0", "-1", "65", "x", "99999999999"] {
            #expect(InheritedSockets(process: "7", count: count, names: "a", own: 7).left == [], "\(count)")
        }
    }

    @Test(arguments: [(SOCK_STREAM, true, true), (SOCK_STREAM, false, false), (SOCK_DGRAM, false, false)])
    func `only a listening stream socket is taken over`(type: __socket_type, listens: Bool, isGood: Bool) throws {
        let descriptor = socket(AF_INET, Int32(type.rawValue), 0)
        defer { close(descriptor) }
        if listens { #expect(listen(descriptor, 1) == 0) }
        var sockets = InheritedSockets(process: "7", count: "1", names: "a", own: 7, first: descriptor)
        if isGood {
            let taken = try sockets.take("a", for: .systemd(name: "a"))
            #expect(taken.isTCP)
            #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
            #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
            #expect(sockets.left == [])
        } else {
            #expect(throws: ListenError.self) { try sockets.take("a", for: .systemd(name: "a")) }
        }
    }

    @Test func `of two inherited sockets with one name, or none, nothing is guessed`() {
        var sockets = InheritedSockets(process: "7", count: "2", names: "a:a", own: 7)
        #expect(throws: ListenError.self) { try sockets.take("a", for: .systemd(name: "a")) }
        #expect(throws: ListenError.self) { try sockets.take("b", for: .systemd(name: "b")) }
    }
}
