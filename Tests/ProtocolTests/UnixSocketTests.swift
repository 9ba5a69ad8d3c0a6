import Dispatch
import Glibc
import JobProtocol
import Synchronization
import TestSupport
import Testing

/// One after the other: the umask that listening sets for a moment is the whole process's.
@Suite(.serialized) struct UnixSocketTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// What stands at a path, links not followed.
    private struct Node: Equatable {
        let mode: UInt32
        let inode: UInt
        let size: Int

        var permissions: UInt32 { mode & 0o7777 }
        var isSocket: Bool { mode & S_IFMT == S_IFSOCK }

        init?(_ path: String) {
            var node = stat()
            guard unsafe lstat(path, &node) == 0 else { return nil }
            (mode, inode, size) = (node.st_mode, UInt(node.st_ino), Int(node.st_size))
        }
    }

    private func failure(listeningAt path: String) -> Int32? {
        do throws(SocketError) {
            close(try UnixSocket.listen(path: path, mode: 0o600))
            return nil
        } catch {
            return error.errno
        }
    }

    @Test(arguments: [0o600, 0o660, 0o666, 0o000] as [UInt32])
    func `the node has exactly the mode that was asked for`(mode: UInt32) throws {
        let path = "\(folder.path)/s"
        let descriptor = try UnixSocket.listen(path: path, mode: mode)
        defer { close(descriptor) }
        let node = try #require(Node(path))
        #expect(node.isSocket)
        #expect(node.permissions == mode)
    }

    @Test func `nobody ever sees the node with another mode`() throws {
        let path = "\(folder.path)/s"
        let isDone = Atomic(false)
        let others = Mutex<Set<UInt32>>([])
        DispatchQueue.concurrentPerform(iterations: 2) { index in
            // The one that ends by itself first: on a single core they run one after the other.
            if index == 0 {
                for _ in 0..<500 {
                    if let descriptor = try? UnixSocket.listen(path: path, mode: 0o640) { close(descriptor) }
                }
                isDone.store(true, ordering: .releasing)
            } else {
                while !isDone.load(ordering: .acquiring) {
                    if let node = Node(path), node.permissions != 0o640 {
                        others.withLock { _ = $0.insert(node.permissions) }
                    }
                }
            }
        }
        #expect(others.withLock { $0 }.isEmpty)
        #expect(Node(path) != nil)
    }

    @Test func `listening leaves the umask as it was`() throws {
        func mask() throws -> String {
            let file = try #require(unsafe fopen("/proc/self/status", "r"))
            defer { unsafe fclose(file) }
            var line = [CChar](repeating: 0, count: 4096)
            while unsafe fgets(&line, Int32(line.count), file) != nil {
                let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if text.hasPrefix("Umask:") { return text }
            }
            return ""
        }
        let before = try mask()
        close(try UnixSocket.listen(path: "\(folder.path)/s", mode: 0o660))
        #expect(try mask() == before)
        #expect(!before.isEmpty)
    }

    @Test func `the descriptor does not block and is not handed to children`() throws {
        let descriptor = try UnixSocket.listen(path: "\(folder.path)/s", mode: 0o600)
        defer { close(descriptor) }
        #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func `a socket that a dead process left is replaced`() throws {
        let path = "\(folder.path)/s"
        close(try UnixSocket.listen(path: path, mode: 0o666))
        #expect(Node(path) != nil)
        let descriptor = try UnixSocket.listen(path: path, mode: 0o600)
        defer { close(descriptor) }
        #expect(Node(path)?.permissions == 0o600)
        close(try UnixSocket.connect(path: path))
    }

    @Test func `a socket at which somebody listens is not taken`() throws {
        let path = "\(folder.path)/s"
        let descriptor = try UnixSocket.listen(path: path, mode: 0o600)
        defer { close(descriptor) }
        let before = Node(path)
        #expect(failure(listeningAt: path) == EADDRINUSE)
        #expect(Node(path) == before)
        close(try UnixSocket.connect(path: path))
    }

    @Test func `a file, a folder or a link at the path stays what it is`() throws {
        let (file, directory, link) = ("\(folder.path)/file", "\(folder.path)/directory", "\(folder.path)/link")
        let (target, dangling) = ("\(folder.path)/target", "\(folder.path)/dangling")
        let descriptor = unsafe open(file, O_CREAT | O_WRONLY, 0o600)
        #expect(unsafe write(descriptor, "kept", 4) == 4)
        close(descriptor)
        #expect(unsafe mkdir(directory, 0o700) == 0)
        close(try UnixSocket.listen(path: target, mode: 0o600))
        #expect(unsafe symlink(target, link) == 0)
        #expect(unsafe symlink("\(folder.path)/nowhere", dangling) == 0)
        for path in [file, directory, link, dangling] {
            let before = Node(path)
            #expect(failure(listeningAt: path) == EEXIST, "\(path)")
            #expect(Node(path) == before, "\(path)")
        }
        #expect(Node(file)?.size == 4)
        #expect(Node("\(folder.path)/nowhere") == nil)
    }

    @Test func `a path is as long as the system allows, to the byte`() throws {
        #expect(UnixSocket.maximumPath == 107)
        let longest = "\(folder.path)/".padding(to: UnixSocket.maximumPath)
        let descriptor = try UnixSocket.listen(path: longest, mode: 0o600)
        defer { close(descriptor) }
        close(try UnixSocket.connect(path: longest))
        #expect(failure(listeningAt: longest + "s") == ENAMETOOLONG)
        #expect(failure(listeningAt: "") == ENAMETOOLONG)
        #expect(Node(longest + "s") == nil)
    }

    @Test func `a failure names the path and the step`() throws {
        let path = "\(folder.path)/missing/s"
        let listening = #expect(throws: SocketError.self) { try UnixSocket.listen(path: path, mode: 0o600) }
        #expect(listening?.description == "socket \(path): bind: No such file or directory")
        let connecting = #expect(throws: SocketError.self) { try UnixSocket.connect(path: path) }
        #expect(connecting?.description == "socket \(path): connect: No such file or directory")
    }

    @Test func `the kernel names the peer`() throws {
        let path = "\(folder.path)/s"
        let listener = try UnixSocket.listen(path: path, mode: 0o600)
        defer { close(listener) }
        let client = try UnixSocket.connect(path: path)
        defer { close(client) }
        let peer = try UnixSocket.peer(of: client)
        #expect(peer.uid == geteuid())
        #expect(peer.pid == getpid())
        let pipe = unsafe open("/dev/null", O_RDONLY)
        defer { close(pipe) }
        #expect(throws: SocketError.self) { try UnixSocket.peer(of: pipe) }
    }
}

extension String {
    /// Filled with `s` to a length in bytes.
    fileprivate func padding(to count: Int) -> String { self + String(repeating: "s", count: count - utf8.count) }
}
