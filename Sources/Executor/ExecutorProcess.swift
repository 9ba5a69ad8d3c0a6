internal import Audit
internal import Authentication
internal import Dispatch
internal import Glibc
internal import JobProtocol
internal import JobTransport
public import Logging
internal import NIOCore
internal import NIOPosix
internal import ProtocolMessages
internal import Sandbox
internal import Settings
public import SettingsReload
internal import Synchronization
public import Telemetry

/// The executor proper, put together from its settings: journal, signer, workers, jobs, gates.
public final class ExecutorProcess: Sendable {
    /// Of the executor.
    public static let version = "0.1.0"
    /// How long running jobs may take to end when the executor is told to stop.
    static let drainLimit = Duration.seconds(30)
    /// How long a new executor waits for the journal of one that is stopping: longer than that takes.
    static let lockLimit = Duration.seconds(40)

    private let reader: SettingsReader
    private let threshold: LogThreshold
    private let family: String
    private let logger: Logger

    /// Nothing is opened yet.
    ///
    /// - Parameters:
    ///   - reader: reads the settings again when that is asked for.
    ///   - family: what the workers of the same supervisor say in their hello.
    ///   - threshold: the one of `logger`, which the settings change.
    public init(reader: SettingsReader, family: String, threshold: LogThreshold, logger: Logger) {
        self.reader = reader
        self.threshold = threshold
        self.family = family
        self.logger = logger
    }

    /// Serves until SIGTERM or SIGINT, then lets running jobs end. Blocks the calling thread, which must be the main one with its
    /// signals blocked.
    ///
    /// - Throws: an error naming the file or socket and the step; nothing is served then.
    public func serve(_ settings: consuming ExecutorSettings) throws {
        let notify = SystemdNotify.fromEnvironment()
        threshold.level = settings.logLevel
        guard let (running, reload) = try begin(settings) else { return }
        try waitForStop(consume reload, notify, running)
    }

    /// Keeps nothing of the settings but what a reload replaces, so that a key that was replaced is gone. Nil when told to stop meanwhile.
    private func begin(_ settings: consuming ExecutorSettings) throws -> (Running, Reload)? {
        let settings = settings
        guard try lockJournal(settings.journal.store, as: settings.audit.origin) else { return nil }
        let directory = try AuditDirectory(path: settings.audit.path, number: SandboxProfile.folder)
        let traces = try settings.traces.map { try TraceFile(path: $0.file, maximumSize: $0.maximumSize) }
        // Sockets are made and files restricted while there is one thread; the system calls when the journal is open.
        let sockets = Sockets(
            workers: try UnixSocket.listen(path: settings.workers.socket, mode: 0o600),
            admin: try UnixSocket.listen(path: settings.adminSocket, mode: settings.adminMode))
        let seal = try Seal(.executor, files: settings.files, minimumLandlock: settings.minimumLandlock)
        let running = try wait { try await self.start(settings, on: sockets, directory, traces, seal) }
        StartUpPages.giveBack()
        let reload = Reload(
            settings: settings, reader: reader, rules: running.service.rules, workers: running.workers,
            journal: running.service.journal,
            metrics: running.service.metrics, record: running.reloads, threshold: threshold, logger: logger)
        return (running, reload)
    }

    private func waitForStop(_ reload: consuming Reload, _ notify: SystemdNotify, _ running: Running) throws {
        let watchdog = running.service.feedWatchdog(of: notify)
        notify.send(.ready)
        while true {
            switch ProcessSignals.next() {
            case .stop:
                notify.send(.stopping)
                try wait { await self.stop(running) }
                watchdog?.cancel()
                return
            case .reload:
                notify.send(.reloading)
                reload.run()
                notify.send(.ready)
            case .child where reader.isGone: logger.error("the settings reader has ended; restart to use changed settings")
            case .child, nil: continue
            }
        }
    }

    /// Takes the journal, as soon as an executor that is stopping gives it up. False when this one was told to stop meanwhile.
    private func lockJournal(_ journal: JournalSettings.Store, as name: String) throws -> Bool {
        let deadline = ContinuousClock.now + Self.lockLimit
        var isTold = false
        while try !journal.lock(as: name) {
            guard ContinuousClock.now < deadline else { throw JournalError.isTaken(journal.place) }
            if !isTold {
                logger.warning(
                    "another executor uses the journal; waiting for it to stop",
                    metadata: ["journal": "\(journal.place)", "seconds": "\(Self.lockLimit.components.seconds)"])
                isTold = true
            }
            if case .stop? = ProcessSignals.next(within: 100) { return false }
        }
        return true
    }

    /// Runs `body` on the cooperative pool and waits for it; for the main thread only.
    private func wait<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) throws -> T {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<Result<T, any Error>?>(nil)
        let box = Shared(result)
        Task {
            let outcome: Result<T, any Error>
            do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
            box.value.withLock { $0 = outcome }
            done.signal()
        }
        done.wait()
        guard let outcome = box.value.withLock({ $0 }) else { throw CancellationError() }
        return try outcome.get()
    }

    private final class Shared<T: Sendable>: Sendable {
        let value: Mutex<T>
        init(_ value: consuming Mutex<T>) { self.value = value }
    }

    /// Listeners that were made before the process was sealed.
    struct Sockets: Sendable {
        let workers: Int32
        let admin: Int32
    }

    /// Opens the journal, closes the seal, settles what a previous process left, then dials the ingresses.
    ///
    /// - Returns: what ``stop(_:)`` takes.
    /// - Throws: an error naming the file or socket and the step; nothing is served then.
    func start(
        _ settings: ExecutorSettings, on sockets: Sockets, _ directory: AuditDirectory, _ traces: TraceFile?, _ seal: Seal
    ) async throws -> Running {
        let metrics = try ExecutorMetrics()
        let journal = try settings.journal.store.open(
            audit: settings.audit, in: directory, commitDuration: metrics.commitDuration, logger: logger)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        try seal.close()
        try await journal.record([
            .executorStarted(
                policy: settings.policy.digest, key: settings.signingKey.publicKey, epoch: journal.shared?.epoch,
                at: WallClock.now())
        ])
        let signing = LeaseSigning(
            signer: Signer(), agents: AgentClient(group: group), journal: journal, metrics: metrics, logger: logger)
        let workers = WorkerPool(isPerHost: settings.workers.isPerHost, signing: signing, logger: logger)
        let slots = Slots()
        let rules = Rules(settings.rules)
        let tracer = Tracer(writer: traces.map { TraceWriter($0, metrics: metrics) })
        let runner = JobRunner(rules: rules, workers: workers, tracer: tracer, metrics: metrics, logger: logger)
        let service = JobService(
            rules: rules, journal: journal, runner: runner, slots: slots, metrics: metrics,
            executor: LoopExecutor(group.next()), logger: logger)
        let identity = ConnectionState.Identity(
            role: .executor, keyID: settings.keyID, key: settings.signingKey)
        let dialers = settings.ingresses.map {
            Dialer(
                ingress: $0, identity: identity, keyID: settings.keyID, key: settings.signingKey, service: service,
                metrics: metrics, group: group, logger: logger)
        }
        let report = StatusReport(
            jobs: service, workers: workers, workersExpected: settings.workers.count, dialers: dialers, reloads: ReloadRecord(),
            landlock: seal.landlock)
        let watch = JournalWatch(journal)
        try metrics.observe(report, watch)
        try await serveWorkers(workers, on: sockets.workers, group)
        try await serveAdmin(AdminService(jobs: service, report: report), on: sockets.admin, group)
        try await service.recover()
        var tasks = dialers.map { dialer in Task { await dialer.run() } }
        tasks.append(Task { await Pruning.run(journal, rules) })
        tasks.append(Task { await watch.run() })
        if let shared = journal.shared {
            tasks.append(Task { await self.keep(shared) })
            tasks.append(Task { await self.announce(shared, to: dialers) })
            tasks.append(Task { await service.keepUp(with: shared) })
        }
        logger.info(
            "executor is ready",
            metadata: [
                "jobs": "\(settings.policy.jobs.count)", "journal": "\(settings.journal.store.place)",
                "landlock": "\(seal.landlock)",
            ])
        return Running(service: service, workers: workers, tasks: tasks, reloads: report.reloads)
    }

    /// Ends the process when its journal is another's: what it runs is not its own any more. Its workers end with it, and their commands.
    private func keep(_ journal: any SharedJournal) async {
        guard await journal.keep() else { return }
        logger.critical("another executor has taken over the jobs of this one, which did not answer for too long; this one ends")
        _exit(Supervisor.cannotStart)
    }

    /// Between two looks whether the journal is away.
    static let awayInterval = Duration.milliseconds(500)

    /// Until the task is cancelled: tells the ingresses when the journal is away and when it is back, which is what their readiness says.
    private func announce(_ journal: any Journal, to dialers: [Dialer]) async {
        var told = false
        while !Task.isCancelled {
            let isAway = journal.isAway
            if isAway != told { for dialer in dialers { dialer.tell(journalIsAway: isAway) } }
            told = isAway
            do { try await Task.sleep(for: Self.awayInterval) } catch { return }
        }
    }

    /// A started executor.
    struct Running: Sendable {
        let service: JobService
        let workers: WorkerPool
        let tasks: [Task<Void, Never>]
        let reloads: ReloadRecord
    }

    /// Waits for running jobs, at most half a minute; what is still running then follows its job's `interrupted` rule at the next start.
    func stop(_ running: Running) async {
        running.service.drain()
        for task in running.tasks { task.cancel() }
        let deadline = ContinuousClock.now + Self.drainLimit
        while running.service.active.busyCount > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(50))
        }
        let unfinished = running.service.active.busyCount
        do {
            try await running.service.journal.record([.executorStopped(unfinished: unfinished, at: WallClock.now())])
        } catch {
            logger.error("not recorded in the audit log", metadata: ["kinds": "executor-stopped", "error": "\(error)"])
        }
        running.service.journal.close()
        await running.service.runner.tracer.writer?.flush()
        logger.info("executor stops", metadata: ["unfinished": "\(unfinished)"])
    }

    private func serveWorkers(_ workers: WorkerPool, on socket: Int32, _ group: any EventLoopGroup) async throws {
        let (family, logger) = (family, logger)
        _ = try await UnixListener.start(
            socket, allowed: [ownUID()], group: group,
            refused: { logger.error("worker socket: connection refused", metadata: ["error": "\($0)"]) },
            prepare: { channel, peer in
                try channel.pipeline.syncOperations.addHandler(
                    WorkerHandler(pool: workers, family: family, processID: peer.pid, logger: logger))
            }
        ).get()
    }

    private func serveAdmin(_ service: AdminService, on socket: Int32, _ group: any EventLoopGroup) async throws {
        let (logger, rules) = (logger, service.jobs.rules)
        _ = try await UnixListener.start(
            socket, group: group,
            refused: { logger.warning("admin socket: connection refused", metadata: ["error": "\($0)"]) },
            prepare: { channel, peer in
                guard let role = rules.now.admin.role(uid: peer.uid, gid: peer.gid) else {
                    throw AdminRefusal(uid: peer.uid, gid: peer.gid)
                }
                try channel.pipeline.syncOperations.addHandler(
                    AdminHandler(service: service, peer: AdminPeer(role: role, uid: peer.uid), logger: logger))
            }
        ).get()
    }
}
