import Foundation
import Glibc
import TestSupport
import Testing

/// Commands in units of their own, with the real binaries and a real sshd; what stands in for systemd makes real cgroups.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct ContainmentTests {
    private static func job(_ name: String, _ script: String, _ more: String...) -> String {
        let lines = ["command: [sh, -c, \"\(script)\"]", "destinations: [web-1]", "grace: 200ms", "contain: systemd"] + more
        return "  \(name):\n" + lines.map { "    \($0)\n" }.joined()
    }

    private static let escape = "setsid sh -c 'echo $$; exec sleep 4324 >/dev/null 2>&1' & sleep 0.3; "

    private func lives(_ text: String?) -> Bool {
        guard let pid = Int32(text?.split(whereSeparator: \.isNewline).first ?? "") else { return true }
        return ProcessTable.all().contains { $0.pid == pid }
    }

    @Test(.enabled(if: StandInSystemd.root != nil))
    func
        `what has left the group ends with the command, at its end and at its deadline, and the host says that the unit is gone`()
        throws
    {
        let systemd = try StandInSystemd()
        let path = "environment: { PATH: \"\(systemd.path.dropFirst(5))\" }"
        let bed = try TestBed(
            jobs: Self.job("short", "\(Self.escape)echo done", path, "timeout: 20s")
                + Self.job("long", "\(Self.escape)sleep 600", path, "timeout: 1s"),
            hooks: DeliveryTests.hook("short") + DeliveryTests.hook("long"))
        let short = try bed.deliver("{}", hook: "short", signature: nil, token: nil)
        #expect(short.status == 200, "\(short.text)")
        #expect(!lives(short["stdout"]))
        let long = try bed.deliver("{}", hook: "long", signature: nil, token: nil)
        #expect(long["status"] == "timed-out", "\(long.text)")
        let destination = (long.json["destinations"] as? [[String: Any]])?.first
        #expect(destination?["processGone"] as? Bool == true, "\(long.text)")
        #expect(long["error"]?.contains("its systemd unit and its process group are gone") == true)
        #expect(!lives(long["stdout"]))
        #expect(systemd.units.isEmpty)
    }

    @Test(.enabled(if: access("/run/systemd/system", F_OK) != 0))
    func `a host without a running systemd is unsuitable, and nothing runs there`() throws {
        let file = "/tmp/sallyport-contain-\(UUID().uuidString.prefix(8))"
        let bed = try TestBed(
            jobs: Self.job("never", "echo ran > \(file)", "timeout: 20s", "retry: { attempts: 3 }"),
            hooks: DeliveryTests.hook("never"))
        let answer = try bed.deliver("{}", hook: "never", signature: nil, token: nil)
        #expect(answer.status == 502, "\(answer.text)")
        #expect(answer["reason"] == "host-unsuitable")
        #expect(answer["error"]?.contains("systemd-run") == true)
        #expect(answer.json["attempts"] as? Int == 1)
        #expect(!FileManager.default.fileExists(atPath: file))
    }
}
