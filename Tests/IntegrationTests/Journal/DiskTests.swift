import Foundation
import Glibc
import TestSupport
import Testing

/// The journal's disk fills up or goes read-only under an executor, or is so when one starts. Each executor has a disk of its own, in a
/// mount namespace of its own, which root alone can make.
@Suite(
    .serialized, .timeLimit(.minutes(5)),
    .enabled(if: getuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/sbin/mkfs.ext4"), "needs root and mkfs.ext4")
)
struct DiskTests {
    private static let folder = "/tmp/sallyport-disk-\(UUID().uuidString.prefix(8))"

    private static let jobs = """
          mark:
            command: [sh, -c, "echo x >> \(folder); sleep 2; echo marked"]
            destinations: [web-1]
            timeout: 20s

        """

    private let bed: TestBed
    private let state: String

    private static let full = "mount -t tmpfs -o size=2m,mode=700 tmpfs"
    private static let readOnly = "mount -t tmpfs -o size=2m,mode=700,ro tmpfs"

    init() throws {
        bed = try TestBed(jobs: Self.jobs, hooks: DeliveryTests.hook("mark", "wait: 10s"), start: false)
        state = bed.box.appending(path: "state").path
        try? FileManager.default.removeItem(atPath: Self.folder)
    }

    private var runs: Int {
        (try? String(contentsOfFile: Self.folder, encoding: .utf8))?.count(where: { $0 == "\n" }) ?? 0
    }

    private func delivering(_ event: String) -> Background<HookAnswer> {
        let bed = bed
        return Background { try bed.deliver(hook: "mark", event: event, signature: nil, token: nil) }
    }

    private func status(_ event: String) throws -> String? { try bed.jobs(["--event", event]).first?["status"] as? String }

    /// Runs a command where the executor's disk is.
    private func inside(_ command: String) throws -> Command {
        try Command.run(
            "/usr/bin/nsenter", ["-t", "\(bed.executor.pid)", "-m", "sh", "-c", command],
            environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
    }

    /// An executor whose state is on the disk that `mount` brings in.
    private func start(_ mount: String) throws {
        try bed.startExecutor(mounting: "\(mount) \(state)")
        try bed.startIngress()
        try bed.waitUntilReady()
    }

    @Test func `on a full disk new jobs are refused, what runs ends, and its result is recorded when there is room`() throws {
        try start(Self.full)
        let first = delivering("evt_first")
        try #require(eventually { runs == 1 })
        _ = try inside("dd if=/dev/zero of=\(state)/filler bs=4k; true")
        let refused = try bed.deliver(hook: "mark", event: "evt_second", signature: nil, token: nil)
        #expect(refused.status == 503)
        #expect(refused.headers["retry-after"] != nil)
        #expect(
            refused.text.contains("the journal cannot be written: its disk, or its `maximum-size`, is full"), "\(refused.text)")
        let told = try first.value
        #expect(told.status == 200, "\(told.text)")
        #expect(told["stdout"] == "marked\n")
        #expect(try status("evt_first") == "running", "it cannot be recorded yet")
        #expect(try inside("rm \(state)/filler").code == 0)
        #expect(try eventually { try status("evt_first") == "succeeded" })
        #expect(runs == 1)
        #expect(try bed.deliver(hook: "mark", event: "evt_second", signature: nil, token: nil).status == 200)
        #expect(try bed.deliver(hook: "mark", event: "evt_first", attempt: 2, signature: nil, token: nil).isDuplicate)
        #expect(runs == 2)
    }

    @Test func `a disk that goes read-only refuses new jobs, and nothing runs again when it is back`() throws {
        let image = bed.folder.appending(path: "disk").path
        _ = try Command.run("/usr/bin/truncate", ["-s", "24M", image])
        #expect(try Command.run("/usr/sbin/mkfs.ext4", ["-q", image]).code == 0)
        // What ext4 does itself after an error, with errors=remount-ro.
        let mount = "mount -o loop \(image)"
        try start(mount)
        let first = delivering("evt_first")
        try #require(eventually { runs == 1 })
        #expect(try inside("mount -o remount,abort \(state)").code == 0)
        let refused = try bed.deliver(hook: "mark", event: "evt_second", signature: nil, token: nil)
        #expect(refused.status == 503)
        #expect(refused.text.contains("the journal cannot be written: "), "\(refused.text)")
        #expect(try first.value.status == 200)
        #expect(bed.executor.text.contains("result is not recorded yet"))
        let child = try #require(bed.process("sallyport-executor run"))
        bed.executor.stop(SIGKILL)
        kill(child, SIGKILL)
        #expect(eventually { kill(child, 0) != 0 })
        // Its workers hold the disk until they have seen that, and the disk must be let go of before it is repaired.
        #expect(try eventually { try Command.run("/usr/sbin/losetup", ["-j", image]).output.isEmpty })
        // 1: errors were put right.
        #expect(try Command.run("/usr/sbin/e2fsck", ["-fy", image]).code <= 1)
        try bed.startExecutor(mounting: "\(mount) \(state)")
        try bed.waitUntilReady()
        // It had begun; the disk kept that and not its end.
        #expect(try eventually { try status("evt_first") == "unknown" })
        #expect(try bed.deliver(hook: "mark", event: "evt_first", attempt: 2, signature: nil, token: nil).isDuplicate)
        #expect(runs == 1)
        #expect(try bed.deliver(hook: "mark", event: "evt_second", signature: nil, token: nil).status == 200)
        #expect(runs == 2)
    }

    @Test func `an executor whose disk is read-only, or full, does not start, and says which file and what to do`() throws {
        for (mount, text) in [
            ("\(Self.readOnly) \(state)", "mounted read-only; see why in the kernel's log"),
            ("\(Self.full) \(state) && dd if=/dev/zero of=\(state)/filler bs=4k 2>/dev/null; true", "make room on its disk"),
        ] {
            try bed.startExecutor(mounting: mount)
            #expect(eventually { !bed.executor.isRunning })
            let code = bed.executor.stop()
            #expect(code == 1, "\(bed.executor.text)")
            let said = bed.executor.text.split(separator: "\n").last { $0.contains("cannot start") } ?? ""
            #expect(said.contains("\(state.replacing("/", with: "\\/"))") || said.contains(state), "\(bed.executor.text)")
            #expect(said.contains(text), "\(said)")
        }
    }
}
