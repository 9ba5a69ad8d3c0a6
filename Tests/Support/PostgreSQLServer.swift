import Foundation
import Glibc
import Synchronization

/// A private PostgreSQL server in a temporary folder, reached through its Unix socket alone.
public final class PostgreSQLServer: Sendable {
    /// The one of this test process, started when the first test wants it and ended with the process.
    public static let shared = Result {
        let server = try PostgreSQLServer()
        _ = atExit
        return server
    }
    /// May do everything there, without a password.
    public static let user = "sallyport"

    /// Where its socket is.
    public let folder: TemporaryFolder
    private let programs: String
    private let daemon: Mutex<Daemon>
    private let databases = Atomic(0)

    /// Makes the server's files and starts it; the test process ends it.
    ///
    /// - Parameter settings: of its configuration, as `name=value`.
    public init(_ settings: [String] = []) throws {
        guard let programs = Self.programs else {
            throw TestBedError("no PostgreSQL server is installed: apt-get install postgresql")
        }
        self.programs = programs
        folder = try TemporaryFolder()
        // It does not run as root.
        var prefix: [String] = []
        if geteuid() == 0 {
            guard let entry = getpwnam("postgres") else { throw TestBedError("no user postgres") }
            guard chown(folder.path, entry.pointee.pw_uid, entry.pointee.pw_gid) == 0 else {
                throw TestBedError("chown \(folder.path): error \(errno)")
            }
            // An executor that root has started has no capabilities, and goes through the folder to the socket.
            try folder.setMode(0o711)
            let ids = ["--reuid", "\(entry.pointee.pw_uid)", "--regid", "\(entry.pointee.pw_gid)", "--clear-groups"]
            prefix = ["/usr/bin/setpriv"] + ids
        }
        let data = "\(folder.path)/data"
        let make =
            prefix + [
                "\(programs)/initdb", "--pgdata", data, "--username", Self.user, "--auth", "trust", "--encoding", "UTF8",
                "--no-locale", "--no-sync",
            ]
        let made = try Command.run(make[0], Array(make.dropFirst()))
        guard made.code == 0 else { throw TestBedError("initdb: \(made.errors)") }
        let values = [
            "listen_addresses=", "unix_socket_directories=\(folder.path)", "fsync=off", "max_connections=400",
            "autovacuum_naptime=5s",
        ]
        let run = prefix + ["\(programs)/postgres", "-D", data] + (values + settings).flatMap { ["-c", $0] }
        let log = URL(filePath: "\(folder.path)/log")
        guard FileManager.default.createFile(atPath: log.path, contents: nil) else { throw TestBedError("make \(log.path)") }
        daemon = Mutex(Daemon(run[0], Array(run.dropFirst()), log: log))
        try daemon.withLock { try $0.start() }
        let path = folder.path
        guard
            try eventually(
                within: 60,
                { try Command.run("\(programs)/pg_isready", ["-h", path, "-d", "postgres", "-U", Self.user]).code == 0 })
        else { throw TestBedError("PostgreSQL does not start: \(daemon.withLock { $0.text })") }
    }

    /// The newest that is installed.
    private static var programs: String? {
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        return versions.compactMap { Int($0) }.sorted().last.map { "/usr/lib/postgresql/\($0)/bin" }
    }

    /// What is static is never deinitialised.
    private static let atExit: Void = {
        atexit {
            guard case .success(let server) = PostgreSQLServer.shared else { return }
            server.stop(SIGQUIT)
            try? FileManager.default.removeItem(atPath: server.folder.path)
        }
    }()

    deinit { stop(SIGQUIT) }

    /// A new empty database; its name.
    public func makeDatabase() throws -> String {
        let name = "journal_\(databases.add(1, ordering: .relaxed).newValue)"
        try sql("CREATE DATABASE \(name)", in: "postgres")
        return name
    }

    /// Ends all connections to a database.
    public func disconnect(_ database: String) throws {
        try sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '\(database)'", in: "postgres")
    }

    /// Runs statements; what they print, without a head, columns parted by `|`.
    @discardableResult
    public func sql(_ text: String, in database: String) throws -> String {
        let run = try Command.run(
            "\(programs)/psql",
            ["-h", folder.path, "-U", Self.user, "-d", database, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", text])
        guard run.code == 0 else { throw TestBedError("psql: \(run.errors)") }
        return run.output
    }

    /// From now on that user must show a password.
    public func demandPassword(of user: String) throws {
        let file = "\(folder.path)/data/pg_hba.conf"
        try Data("local all \(user) scram-sha-256\nlocal all all trust\n".utf8).write(to: URL(filePath: file), options: [])
        try sql("SELECT pg_reload_conf()", in: "postgres")
    }

    /// Sends a signal to the server's first process: SIGINT ends it in order, SIGQUIT at once, SIGSTOP and SIGCONT hold that one process.
    public func signal(_ number: Int32) { daemon.withLock { _ = kill($0.pid, number) } }

    /// Its first process, and all that this has started.
    public var processes: [Int32] {
        let first = daemon.withLock { $0.pid }
        let children = (try? Command.run("/usr/bin/pgrep", ["-P", "\(first)"]).output) ?? ""
        return [first] + children.split(separator: "\n").compactMap { Int32($0) }
    }

    /// Ends it; 0 or its exit code.
    @discardableResult
    public func stop(_ number: Int32 = SIGINT) -> Int32 { daemon.withLock { $0.stop(number, within: 30) } }

    /// Starts it again.
    public func start() throws {
        let path = folder.path
        try daemon.withLock { try $0.start() }
        guard try eventually(within: 60, { try Command.run("\(programs)/pg_isready", ["-h", path]).code == 0 }) else {
            throw TestBedError("PostgreSQL does not start again")
        }
    }
}
