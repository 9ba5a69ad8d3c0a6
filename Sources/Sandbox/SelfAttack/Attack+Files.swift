internal import Glibc

extension Attack {
    /// Files that are not its own, to read and to change.
    static func files(_ secrets: [String]) -> [Attack] {
        secrets.flatMap { secret in
            [
                Attack(.file, "open \(secret)") { _ in open(secret, O_RDONLY) },
                Attack(.file, "open it through /proc/self/root") { _ in open("/proc/self/root" + secret, O_RDONLY) },
            ]
        } + [
            Attack(.file, "open a file elsewhere") { open($0.file, O_RDONLY) },
            Attack(.file, "open it by its path, then for reading") { ground in
                let place = open(ground.file, Int32(SystemCall.openPath))
                return place < 0 ? place : open("/proc/self/fd/\(place)", O_RDONLY)
            },
            Attack(.file, "open it with openat2") {
                SystemCall.make("openat2", Int(AT_FDCWD), SystemCall.text($0.file), SystemCall.bytes(24), 24)
            },
            Attack(.file, "open it from an open folder, by a way up") { ground in
                let up = String(repeating: "../", count: 32) + ground.file.dropFirst()
                return SystemCall.make(
                    "openat", Int(SandboxProfile.folder), SystemCall.text(up), Int(O_RDONLY | O_NOFOLLOW))
            },
            Attack(.file, "list a folder") { open($0.folder, O_RDONLY | O_DIRECTORY) },
            Attack(.file, "write a file elsewhere") { open($0.file, O_WRONLY | O_TRUNC) },
            Attack(.file, "make a file") { open($0.folder + "/made", O_CREAT | O_RDWR) },
            Attack(.file, "make a file, to read it") { open($0.folder + "/made", O_CREAT | O_RDONLY) },
            Attack(.file, "empty a file, to read it") { open($0.file, O_TRUNC | O_RDONLY) },
            Attack(.file, "make a file without a name") { open($0.folder, 0o20_200_000 | O_RDWR) },
            Attack(.file, "cut a file short") { SystemCall.make("truncate", SystemCall.text($0.file), 0) },
            Attack(.file, "make a folder") {
                SystemCall.make("mkdirat", Int(AT_FDCWD), SystemCall.text($0.folder + "/folder"), 0o700)
            },
            Attack(.file, "remove a file") { SystemCall.make("unlinkat", Int(AT_FDCWD), SystemCall.text($0.file), 0) },
            Attack(.file, "remove a file by the older call") { SystemCall.make("unlink", SystemCall.text($0.file)) },
            Attack(.file, "rename a file") {
                let (from, to) = (SystemCall.text($0.file), SystemCall.text($0.folder + "/copy"))
                return SystemCall.make("renameat2", Int(AT_FDCWD), from, Int(AT_FDCWD), to, 0)
            },
            Attack(.file, "make a link") {
                let (from, to) = (SystemCall.text($0.file), SystemCall.text($0.folder + "/copy"))
                return SystemCall.make("linkat", Int(AT_FDCWD), from, Int(AT_FDCWD), to, 0)
            },
            Attack(.file, "make a symbolic link") {
                SystemCall.make("symlinkat", SystemCall.text("/"), Int(AT_FDCWD), SystemCall.text($0.folder + "/link"))
            },
            Attack(.file, "make a FIFO") {
                SystemCall.make("mknodat", Int(AT_FDCWD), SystemCall.text($0.folder + "/node"), Int(S_IFIFO) | 0o600)
            },
            Attack(.file, "make a file everybody's") {
                SystemCall.make("fchmodat", Int(AT_FDCWD), SystemCall.text($0.file), 0o666)
            },
            Attack(.file, "watch a folder") { _ in SystemCall.make("inotify_init1", 0) },
            Attack(.file, "open by a handle") { _ in SystemCall.make("open_by_handle_at", Int(AT_FDCWD), 0, 0) },
            Attack(.file, "write its own /proc/self/mem") { _ in open("/proc/self/mem", O_RDWR) },
            Attack(.file, "type on the terminal") { _ in
                // TIOCSTI, with an argument that no terminal takes.
                SystemCall.make("ioctl", Int(STDIN_FILENO), 0x5412, 0)
            },
        ]
    }
}
