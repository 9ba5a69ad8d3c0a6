internal import CLinux
internal import Glibc

/// Sockets that the service manager made and hands over (sd_listen_fds(3)): descriptors from 3 on, named by `LISTEN_FDNAMES`.
struct InheritedSockets {
    /// The first of them.
    static let first: Int32 = 3
    /// More are not looked at.
    static let maximum: Int32 = 64

    private var open: [(name: String, descriptor: Int32)]

    /// Takes over what is for this process, and removes the variables so that no child takes it to be for itself. Call while there is
    /// one thread.
    static func fromEnvironment() -> InheritedSockets {
        func take(_ name: String) -> String? {
            defer { unsafe unsetenv(name) }
            return unsafe getenv(name).map { unsafe String(cString: $0) }
        }
        return InheritedSockets(process: take("LISTEN_PID"), count: take("LISTEN_FDS"), names: take("LISTEN_FDNAMES"))
    }

    /// From the values of the variables. Those meant for another process count as none.
    init(process: String?, count: String?, names: String?, own: Int32 = getpid(), first: Int32 = Self.first) {
        guard process == "\(own)", let count = count.flatMap({ Int32($0) }), (1...Self.maximum).contains(count) else {
            open = []
            return
        }
        let names = names.map { $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init) } ?? []
        open = (0..<count).map { index in
            (names.count > index ? names[Int(index)] : "unknown", first + index)
        }
    }

    /// Names of those that nobody has taken.
    var left: [String] { open.map(\.name) }

    /// The one socket of that name, when it is a listening stream socket.
    mutating func take(_ name: String, for place: ListenPlace) throws(ListenError) -> (descriptor: Int32, isTCP: Bool) {
        let found = open.filter { $0.name == name }
        guard let socket = found.first, found.count == 1 else {
            let known = open.isEmpty ? "there are none" : "there are " + left.joined(separator: ", ")
            throw ListenError(
                place: place,
                reason: "\(found.count) inherited sockets have that name, one is needed (\(known)); "
                    + "set FileDescriptorName= and one ListenStream= in the socket unit")
        }
        open.removeAll { $0.descriptor == socket.descriptor }
        var isTCP: Int32 = 0
        let result = unsafe sallyport_check_listener(socket.descriptor, &isTCP)
        guard result == 0 else {
            let reason =
                result == -EINVAL
                ? "is no listening stream socket; use ListenStream= and Accept=no"
                : unsafe strerror(-result).map { unsafe String(cString: $0) } ?? "error \(-result)"
            throw ListenError(place: place, reason: "inherited descriptor \(socket.descriptor): \(reason)")
        }
        return (socket.descriptor, isTCP != 0)
    }
}
