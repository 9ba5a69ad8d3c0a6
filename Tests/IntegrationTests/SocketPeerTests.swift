import Foundation
import Glibc
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import TestSupport
import Testing

/// Who may be at the other end of a socket, and how slowly.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct SocketPeerTests {
    private let bed: TestBed

    init() throws {
        bed = try TestBed(
            jobs: "  count: { command: [echo, counted], destinations: [web-1], timeout: 10s }\n",
            hooks: DeliveryTests.hook("count", "wait: 5s"), start: false)
    }

    /// The kernel says who is there, whatever the modes of the path let through.
    @Test(.enabled(if: geteuid() == 0))
    func `a user who is not on the list is sent away by each socket, and the log names the uid`()
        throws
    {
        try bed.start()
        let run = bed.box.appending(path: "run").path
        for folder in [bed.folder.path, bed.box.path, run] { chmod(folder, 0o755) }
        for (socket, log) in [
            ("jobs.sock", { bed.ingress.text }), ("workers.sock", { bed.executor.text }), ("admin.sock", { bed.executor.text }),
        ] as [(String, () -> String)] {
            chmod("\(run)/\(socket)", 0o777)
            let count = { (text: String) in text.components(separatedBy: "uid 4711").count }
            let before = count(log())
            let stranger = try Command.run(
                "/usr/bin/setpriv",
                [
                    "--reuid=4711", "--regid=4711", "--clear-groups", "/usr/bin/curl", "-sS", "--max-time", "3", "--unix-socket",
                    "\(run)/\(socket)", "http://x/",
                ])
            // 7: closed before it looked; 52: an empty answer; 56: reset. 28 would be a peer that was let in.
            #expect([7, 52, 56].contains(stranger.code), "\(socket): \(stranger.code) \(stranger.errors)")
            #expect(eventually { count(log()) > before }, "\(socket): \(stranger.errors)")
        }
        #expect(try bed.deliver(hook: "count", signature: nil, token: nil).status == 200)
    }

    @Test func `who takes the executor's place and leaves without an answer runs nothing, and what was handed to it runs once`()
        throws
    {
        try bed.start()
        let bed = bed
        var ran = 0
        for _ in 0..<3 {
            try bed.waitUntilReady()
            let answers: [Background<HookAnswer>]
            do {
                let impostor = try HostilePeer(as: .executor, in: bed)
                try impostor.shakeHands()
                try impostor.send(.with { $0.credit = .with { $0.jobsInFlight = 8 } })
                answers = (0..<4).map { _ in Background { try bed.deliver(hook: "count", signature: nil, token: nil) } }
                // Whatever it is given; the executor proper may be back before.
                while let frame = try? impostor.next() { if case .submit = frame { break } }
            }
            for answer in answers {
                let answer = try answer.value
                // 503: it came while nobody was connected, and was not taken.
                #expect(answer.status == 503 || answer["stdout"] == "counted\n", "\(answer.status) \(answer.text)")
                ran += answer.status == 200 ? 1 : 0
            }
        }
        #expect(ran > 0)
        #expect(try bed.jobs(["--limit", "1000"]).count == ran)
    }

    @Test func `frames that come a byte at a time are frames, and one that is cut off by the end is none`() throws {
        try bed.executor.start()
        do {
            let slow = try HostilePeer(as: .ingress, in: bed)
            try slow.shakeHands()
            let envelope = try slow.envelope(.good("count"))
            let frame = try Frames.encode(.with { $0.submit = .with { $0.envelope = envelope } } as WireFrame)
            for byte in frame {
                try slow.send([byte])
                usleep(200)
            }
            #expect(try slow.result().status == .succeeded)
        }
        let request = WireJobRequest.good("count")
        do {
            let cut = try HostilePeer(as: .ingress, in: bed)
            try cut.shakeHands()
            let envelope = try cut.envelope(request)
            try cut.send(Array(try Frames.encode(.with { $0.submit = .with { $0.envelope = envelope } } as WireFrame).dropLast()))
        }
        usleep(300_000)
        #expect(try bed.jobs().allSatisfy { $0["job"] as? String != request.jobID })
    }

    @Test(arguments: [0, 1, 1_000] as [UInt32]) func `a peer of another protocol version is told so in the log and runs nothing`(
        version: UInt32
    ) throws {
        try bed.executor.start()
        let peer = try HostilePeer(as: .ingress, in: bed)
        #expect(throws: (any Error).self) { try peer.shakeHands(version: version) }
        #expect(peer.isClosed())
        let bed = bed
        #expect(eventually { bed.executor.text.contains("protocol version \(version)") }, "\(bed.executor.text.suffix(600))")
    }

    @Test(arguments: [WireRole.ingress, .executor]) func `a peer that falls silent is asked twice, and given up`(role: WireRole)
        throws
    {
        if role == .ingress { try bed.executor.start() } else { try bed.startIngress() }
        let peer = try HostilePeer(as: role, in: bed)
        try peer.shakeHands()
        let begun = ContinuousClock.now
        var pings = 0
        // It is asked each five seconds, so this ends with the connection, and not because nothing comes.
        while let frame = try? peer.next() { if case .ping = frame { pings += 1 } }
        #expect(pings == 2)
        #expect(ContinuousClock.now - begun > .seconds(9))
        let bed = bed
        let log = { role == .ingress ? bed.executor.text : bed.ingress.text }
        #expect(eventually { log().contains("has said nothing for 10 seconds") }, "\(log().suffix(600))")
    }

    @Test func `an ingress that ends each connection before it has proved itself is in the log once`() throws {
        let socket = bed.box.appending(path: "run/jobs.sock").path
        let listener = try UnixSocket.listen(path: socket, mode: 0o600)
        defer { close(listener) }
        try bed.executor.start()
        for _ in 0..<4 {
            var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            try #require(poll(&entry, 1, 10_000) == 1)
            close(accept(listener, nil, nil))
        }
        let bed = bed
        let lines = { bed.executor.text.split(separator: "\n").filter { $0.contains("ingress") && $0.contains("warning") } }
        #expect(eventually { !lines().isEmpty })
        #expect(lines().count == 1 && lines()[0].contains("before the ingress had proved itself"), "\(lines())")
    }
}
