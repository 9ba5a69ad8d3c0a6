internal import CLinux
internal import Glibc

/// What attacks are aimed at, made before the process under attack is sealed: a folder, sockets, a process next to it.
struct AttackGround: Sendable {
    /// A folder outside everything that the process may use, with ``file`` in it.
    let folder: String
    /// Holds a few bytes.
    let file: String
    /// Listens on ``port`` of the loopback, a port that no settings name.
    let listener: Int32
    /// A connection of ``listener``.
    let connection: Int32
    let port: UInt16
    /// A Unix socket that listens in the abstract namespace, and its name.
    let abstract: String
    private let others: [Int32]
    /// The process next to it, of the same user: it holds ``canary`` at the same address.
    var victim: Int32 = 0
    /// Bytes in the victim's memory.
    let canary: Int

    /// Where the attacks may leave something for as long as they last.
    ///
    /// - Throws: ``SandboxError`` naming what could not be made.
    init(outside ports: [UInt16]) throws(SandboxError) {
        folder = try Self.makeFolder()
        file = folder + "/file"
        let descriptor = unsafe open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SandboxError("make \(file)", errno: errno) }
        _ = unsafe write(descriptor, "canary", 6)
        close(descriptor)
        (listener, port) = try Self.listen(outside: ports)
        let caller = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // A firewall may swallow it without a word.
        var patience = timeval(tv_sec: 2, tv_usec: 0)
        unsafe setsockopt(caller, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        guard unsafe Glibc.connect(caller, Self.pointer(Self.address(port)), 16) == 0 else {
            throw SandboxError("connect to the loopback\(Self.units)", errno: errno)
        }
        connection = accept(listener, nil, nil)
        abstract = "\0sallyport-self-attack-\(UInt64.random(in: .min ... .max))"
        let other = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let place = Self.unixAddress(abstract)
        guard unsafe bind(other, Self.pointer(place), socklen_t(place.count)) == 0, Glibc.listen(other, 8) == 0 else {
            throw SandboxError("listen at an abstract socket", errno: errno)
        }
        others = [caller, other]
        canary = SystemCall.bytes([UInt8](repeating: 0xa5, count: 4096))
    }

    /// Closes its sockets and removes what is left on the disk.
    func remove() {
        for descriptor in others + [listener, connection] { close(descriptor) }
        unsafe free(UnsafeMutableRawPointer(bitPattern: canary))
        for name in ["file", "made", "link", "node", "copy"] { unsafe unlink("\(folder)/\(name)") }
        unsafe rmdir("\(folder)/folder")
        unsafe rmdir(folder)
    }

    private static let units =
        "; in a unit of systemd's it needs RestrictAddressFamilies=AF_INET and IPAddressAllow=localhost for this run"

    private static func makeFolder() throws(SandboxError) -> String {
        let wanted = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) }
        for place in [wanted, "/tmp", "/dev/shm", "/run"].compactMap({ $0 }) {
            var path = Array("\(place)/sallyport-self-attack.XXXXXX".utf8CString)
            if unsafe mkdtemp(&path) != nil {
                return String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        }
        throw SandboxError("make a folder for the attacks; set TMPDIR to one that can be written", errno: errno)
    }

    private static func listen(outside ports: [UInt16]) throws(SandboxError) -> (Int32, UInt16) {
        for _ in 0..<16 {
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var bound = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            guard listener >= 0, unsafe bind(listener, pointer(address(0)), 16) == 0, Glibc.listen(listener, 64) == 0,
                unsafe withUnsafeMutablePointer(
                    to: &bound,
                    { place in
                        unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            unsafe getsockname(listener, $0, &length)
                        }
                    }) == 0
            else { throw SandboxError("listen on the loopback\(units)", errno: errno) }
            let port = UInt16(bigEndian: bound.sin_port)
            if !ports.contains(port) { return (listener, port) }
            close(listener)
        }
        throw SandboxError("find a port that no settings name", errno: EADDRINUSE)
    }

    /// `struct sockaddr_in` of a loopback port.
    static func address(_ port: UInt16) -> [UInt8] {
        [UInt8(AF_INET), 0, UInt8(port >> 8), UInt8(port & 0xff), 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
    }

    /// `struct sockaddr_un` of a path, or of an abstract name that begins with NUL.
    static func unixAddress(_ path: String) -> [UInt8] {
        [UInt8(AF_UNIX), 0] + Array(path.utf8) + (path.utf8.first == 0 ? [] : [0])
    }

    private static func pointer(_ address: [UInt8]) -> UnsafePointer<sockaddr>? {
        unsafe UnsafePointer(bitPattern: SystemCall.bytes(address))
    }
}
