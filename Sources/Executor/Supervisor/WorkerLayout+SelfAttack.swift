internal import CLinux

extension WorkerLayout {
    /// Has the worker's program attack itself with these ports; it prints its own table. Blocks until it has ended.
    ///
    /// - Parameter secrets: files that a worker must not be able to open.
    /// - Returns: whether every attack failed.
    public func attackWorker(program: String, secrets: [String]) throws -> Bool {
        var child = ChildProcess(
            name: "self-attack", path: program,
            arguments: ["self-attack"] + ports.flatMap { ["--port", "\($0)"] } + secrets.flatMap { ["--secret", $0] },
            inheritsEnvironment: true)
        try child.start(now: 0)
        return sallyport_wait_for(child.pid) == 0
    }
}
