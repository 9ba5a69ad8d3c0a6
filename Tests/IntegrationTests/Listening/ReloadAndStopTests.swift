import Foundation
import Glibc
import TestSupport
import Testing

/// SIGHUP and SIGTERM.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct ReloadAndStopTests {
    private let bed: TestBed

    init() throws {
        bed = try ListeningBed.make(hooks: "  old: { verify: none, job: quick }\n")
    }

    private func status(_ hook: String) throws -> Int { try bed.deliver(hook: hook, signature: nil, token: nil).status }

    @Test func `hooks come and go, and limits change, without a restart`() throws {
        let pid = bed.ingress.pid
        try bed.change(
            "  old: { verify: none, job: quick }", to: "  new: { verify: none, job: quick, rate: { deliveries: 1, per: 1m } }")
        #expect(try bed.reload("done"))
        #expect(try status("old") == 404)
        #expect(try status("new") == 200)
        #expect(try status("new") == 429)
        #expect(bed.ingress.pid == pid)
        #expect(bed.ingress.isRunning)
    }

    @Test func `a request whose head was read goes on with the hook it began with`() throws {
        let wire = try RawConnection(port: bed.httpPort)
        try wire.send("POST /hooks/old HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{")
        usleep(200_000)
        try bed.change("  old: {", to: "  new: {")
        #expect(try bed.reload("done"))
        #expect(try status("old") == 404)
        try wire.send("}")
        #expect(try wire.readToEnd().hasPrefix("HTTP/1.1 200 "))
    }

    @Test func `a bad file changes nothing and says everything that is wrong`() throws {
        try bed.change("  old: { verify: none, job: quick }", to: "  new: { verify: nobody, job: quick, wait: 1h }")
        #expect(try bed.reload("refused"))
        #expect(try status("old") == 200)
        #expect(bed.ingress.text.contains("hooks.new.verify: expected a scheme"))
        #expect(bed.ingress.text.contains("hooks.new.wait: expected a time"))
        #expect(bed.ingress.text.contains("ingress.yaml:"))
    }

    @Test func `a file that says little, or does not say who the executor is, ends no process that is sealed`() throws {
        let bed = try ListeningBed.make(hooks: "  old: { verify: none, job: quick }\n") { bed in
            try bed.change("  allow-uids: [\(getuid())]\n", to: "")
        }
        #expect(try bed.reload("done"))
        for text in ["hooks: {}\n", "", "executor: { socket: 1 }\n"] {
            try text.write(to: bed.ingressSettings, atomically: true, encoding: .utf8)
            #expect(try bed.reload("refused"))
        }
        #expect(bed.ingress.isRunning)
        #expect(try bed.deliver(hook: "old", signature: nil, token: nil).status == 200)
    }

    @Test func `what needs a restart is named and the file refused as a whole`() throws {
        try bed.change(bed.listenLine, to: "listen: { address: 127.0.0.1, port: 1 }")
        try bed.change("mode: \"0660\"", to: "mode: \"0600\"")
        try bed.change("  old: {", to: "  new: {")
        #expect(try bed.reload("refused"))
        #expect(bed.ingress.text.contains("changed, and needs a restart: executor, listen.port"))
        #expect(try status("old") == 200)
        #expect(try status("new") == 404)
    }

    @Test func `a secret is replaced as Kubernetes does it, by another target of a link`() throws {
        let files = FileManager.default
        let mount = bed.box.appending(path: "mount")
        for (version, secret) in [("..1", "first-secret"), ("..2", "second-secret")] {
            let folder = mount.appending(path: version)
            try files.createDirectory(at: folder, withIntermediateDirectories: true)
            try secret.write(to: folder.appending(path: "key"), atomically: true, encoding: .utf8)
            chmod(folder.appending(path: "key").path, 0o600)
        }
        try files.createSymbolicLink(atPath: mount.appending(path: "..data").path, withDestinationPath: "..1")
        try files.createSymbolicLink(atPath: mount.appending(path: "key").path, withDestinationPath: "..data/key")
        try bed.change(
            "  old: { verify: none,", to: "  old: { verify: { hookdeck: { secret: { file: mount/key } } },")
        #expect(try bed.reload("done"))
        func signed(_ secret: String) throws -> Int {
            try bed.deliver(
                "{}", hook: "old", signature: try Signature.hookdeck(Data("{}".utf8), secret: secret), token: nil
            ).status
        }
        #expect(try signed("first-secret") == 200)
        try files.createSymbolicLink(atPath: mount.appending(path: "..next").path, withDestinationPath: "..2")
        #expect(rename(mount.appending(path: "..next").path, mount.appending(path: "..data").path) == 0)
        try files.removeItem(at: mount.appending(path: "..1"))
        #expect(try bed.reload("done"))
        #expect(try signed("first-secret") == 401)
        #expect(try signed("second-secret") == 200)
    }

    @Test func `without its helper the ingress serves on and says what to do`() throws {
        let helper = try #require(ProcessTable.all().first { $0.parent == bed.ingress.pid })
        kill(helper.pid, SIGKILL)
        #expect(eventually { bed.ingress.text.contains("the settings reader has ended") })
        #expect(try bed.reload("refused"))
        #expect(bed.ingress.text.contains("restart to use changed settings"))
        #expect(try status("old") == 200)
    }

    @Test func `the service manager is told when it is ready, reads again, and stops`() throws {
        bed.ingress.stop(SIGTERM)
        let manager = try NotifySocket(bed.folder.appending(path: "notify").path)
        let ingress = Daemon(
            try TestBed.binary("sallyport-ingress"), ["serve", "--config", bed.ingressSettings.path],
            log: bed.folder.appending(path: "told.log"), environment: ["NOTIFY_SOCKET": manager.path])
        try ingress.start()
        #expect(manager.next() == "READY=1")
        kill(ingress.pid, SIGHUP)
        #expect(manager.next()?.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") == true)
        #expect(manager.next() == "READY=1")
        #expect(ingress.stop(SIGTERM) == 0)
        #expect(manager.next() == "STOPPING=1")
    }

    @Test func `while it stops it is not ready and takes nothing new, and who waits gets its result`() throws {
        let bed = bed
        let waiting = Background { try bed.deliver(hook: "pause", signature: nil, token: nil) }
        #expect(try eventually { try bed.metric("sallyport_deliveries_waiting") == 1 })
        kill(bed.ingress.pid, SIGTERM)
        #expect(
            try eventually(within: 1) {
                try Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(bed.operationsPort)/readyz"]).output == "stopping\n"
            })
        #expect(!FreePort.answers(bed.httpPort))
        #expect(try waiting.value.status == 200)
        #expect(bed.ingress.stop(SIGTERM) == 0)
    }

    @Test func `half a head on a connection does not keep those who wait from their results`() throws {
        let bed = bed
        let wire = try RawConnection(port: bed.httpPort)
        try wire.send("POST /hooks/old HTTP/1.1\r\nHo")
        let waiting = Background { try bed.deliver(hook: "pause", signature: nil, token: nil) }
        #expect(try eventually { try bed.metric("sallyport_deliveries_waiting") == 1 })
        #expect(bed.ingress.stop(SIGTERM) == 0)
        #expect(try waiting.value.status == 200)
        #expect(try wire.readToEnd() == "")
    }

    @Test func `a second SIGTERM ends the waits, each with an answer that loses nothing`() throws {
        let bed = bed
        let waiting = Background { try bed.deliver(hook: "pause", event: "evt_ended", signature: nil, token: nil) }
        #expect(try eventually { try bed.jobs().contains { $0["event"] as? String == "evt_ended" } })
        kill(bed.ingress.pid, SIGTERM)
        usleep(200_000)
        #expect(bed.ingress.stop(SIGTERM, within: 5) == 0)
        let answer = try waiting.value
        #expect(answer.status == 202, "\(answer.text)")
        #expect(answer.headers["location"]?.hasPrefix("/jobs/") == true)
        #expect(
            try eventually {
                try bed.jobs().contains { $0["event"] as? String == "evt_ended" && $0["status"] as? String == "succeeded" }
            })
    }

    @Test func `stopped under load, every delivery that was answered 200 has run, and none twice`() throws {
        let bed = bed
        let senders = (0..<8).map { sender in
            Background { () -> [String] in
                var answered: [String] = []
                for number in 0..<400 {
                    let event = "evt_load_\(sender)_\(number)"
                    guard let answer = try? bed.deliver(hook: "quick", event: event, signature: nil, token: nil) else { break }
                    if answer.status == 200 { answered.append(event) }
                }
                return answered
            }
        }
        usleep(700_000)
        #expect(bed.ingress.stop(SIGTERM, within: 20) == 0)
        let answered = try senders.flatMap { try $0.value }
        #expect(answered.count > 8)
        let jobs = try bed.jobs(["--limit", "1000"]).filter { ($0["event"] as? String)?.hasPrefix("evt_load") ?? false }
        let succeeded = jobs.filter { $0["status"] as? String == "succeeded" }.compactMap { $0["event"] as? String }
        #expect(Set(answered).subtracting(succeeded).isEmpty)
        #expect(Set(succeeded).count == succeeded.count)
    }
}
