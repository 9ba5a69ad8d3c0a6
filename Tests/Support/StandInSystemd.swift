import Foundation
import Glibc

/// `systemd-run` and `systemctl` as far as a scope needs them, for machines without a running systemd: shell scripts that make real cgroups
/// of version 2 and end them with the kernel's own `cgroup.kill`.
public final class StandInSystemd {
    /// Where a cgroup of version 2 can be made here; nil where it cannot.
    public static let root: String? = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first { root in
        let probe = "\(root)/sallyport-probe-\(getpid())"
        guard access("\(root)/cgroup.controllers", F_OK) == 0, mkdir(probe, 0o755) == 0 else { return false }
        defer { rmdir(probe) }
        return access("\(probe)/cgroup.kill", W_OK) == 0
    }

    /// The scripts are here.
    public let folder: String
    private let slice: String

    /// Writes the scripts, and makes a cgroup for the units.
    public init() throws {
        folder = "/tmp/sallyport-systemd-\(UUID().uuidString.prefix(8))"
        slice = "/sallyport-test-\(UUID().uuidString.prefix(8))"
        let base = (Self.root ?? "") + slice
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        guard mkdir(base, 0o755) == 0 else { throw TestBedError("mkdir \(base): error \(errno)") }
        try write(
            "systemd-run",
            """
            while [ "$1" != -- ]; do case $1 in --unit=*) u=${1#--unit=};; esac; echo "$1" >>\(folder)/arguments; shift; done; shift
            mkdir "\(base)/$u" && echo $$ >"\(base)/$u/cgroup.procs" && exec "$@"
            """)
        try write(
            "systemctl",
            """
            for u; do :; done
            case $2$3 in
            kill--signal=KILL) echo 1 >"\(base)/$u/cgroup.kill" ;;
            show--property=ActiveState)
                if ! [ -d "\(base)/$u" ]; then echo inactive; exit; fi
                case $(cat "\(base)/$u/cgroup.events") in *"populated 1"*) echo active ;; *) rmdir "\(base)/$u"; echo inactive ;; esac ;;
            show--property=ControlGroup) [ -d "\(base)/$u" ] && echo "\(slice)/$u" ;;
            *) exit 1 ;;
            esac
            """)
    }

    deinit {
        let base = (Self.root ?? "") + slice
        for unit in units { rmdir("\(base)/\(unit)") }
        rmdir(base)
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func write(_ name: String, _ text: String) throws {
        let file = "\(folder)/\(name)"
        try "#!/bin/sh\n\(text)\n".write(toFile: file, atomically: true, encoding: .utf8)
        chmod(file, 0o755)
    }

    /// Units that are there.
    public var units: [String] {
        let base = (Self.root ?? "") + slice
        return ((try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []).filter { $0.hasPrefix("sallyport-") }
    }

    /// What systemd-run was asked.
    public var arguments: [String] {
        ((try? String(contentsOfFile: "\(folder)/arguments", encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }

    /// Has them found.
    public var path: String { "PATH=\(folder):/usr/local/bin:/usr/bin:/bin" }
}
