internal import CLinux
internal import Glibc
internal import Sandbox

/// What the spool does with its folder; a protocol so that tests can let it fail.
protocol SpoolDisk: Sendable {
    /// Names and sizes of the files.
    func list() throws(SpoolError) -> [(name: String, size: Int)]
    /// Makes a file that is not there yet; a descriptor to append to.
    func create(_ name: String) throws(SpoolError) -> Int32
    /// Writes all of it at the end.
    func append(_ bytes: [UInt8], to descriptor: Int32) throws(SpoolError)
    /// Returns when the file's content is on the disk.
    func sync(_ descriptor: Int32) throws(SpoolError)
    /// Returns when the folder's entries are on the disk.
    func syncFolder() throws(SpoolError)
    func truncate(_ descriptor: Int32, to length: Int) throws(SpoolError)
    func close(_ descriptor: Int32)
    /// Exactly `count` bytes from `offset` on.
    func read(_ name: String, at offset: Int, count: Int) throws(SpoolError) -> [UInt8]
    /// Writes over what stands at `offset`.
    func overwrite(_ name: String, at offset: Int, with bytes: [UInt8]) throws(SpoolError)
    func remove(_ name: String) throws(SpoolError)
}

/// The spool's folder, by its descriptor: whatever is opened is opened below it. Its calls block.
struct SpoolFolder: SpoolDisk {
    private let descriptor: Int32
    private let path: String

    /// Opens the folder for the life of the process, under the number that the sandbox's rules name, and keeps other ingresses out.
    ///
    /// - Throws: ``SpoolError`` when it is not there, no folder, another user's, open to others, or in use.
    init(path: String, number: Int32 = SandboxProfile.folder) throws(SpoolError) {
        self.path = path
        let opened = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw SpoolError("open", path, errno) }
        defer { _ = Glibc.close(opened) }
        var status = stat()
        guard unsafe fstat(opened, &status) == 0 else { throw SpoolError("look at", path, errno) }
        guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            throw SpoolError("use", path, "it must belong to this user with mode 0700, for deliveries and tokens stand in it")
        }
        let lock = unsafe sallyport_lock_file(path + "/lock")
        if lock == -EWOULDBLOCK {
            throw SpoolError("lock", path, "another ingress uses it; stop that one, or give this one a spool of its own")
        }
        guard lock == 0 else { throw SpoolError("lock", path, -lock) }
        descriptor = fcntl(opened, F_DUPFD_CLOEXEC, number)
        guard descriptor == number || number != SandboxProfile.folder else {
            throw SpoolError("open", path, "descriptor \(number) is taken")
        }
    }

    func list() throws(SpoolError) -> [(name: String, size: Int)] {
        let copy = unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard let folder = unsafe fdopendir(copy) else { throw SpoolError("list", path, errno) }
        defer { unsafe closedir(folder) }
        var files: [(name: String, size: Int)] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            var status = stat()
            guard unsafe fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG else {
                continue
            }
            files.append((name, Int(status.st_size)))
        }
        return files.sorted { $0.name < $1.name }
    }

    func create(_ name: String) throws(SpoolError) -> Int32 {
        try opened(name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND)
    }

    private func opened(_ name: String, _ flags: Int32) throws(SpoolError) -> Int32 {
        let file = unsafe openat(descriptor, name, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw SpoolError("open", "\(path)/\(name)", errno) }
        return file
    }

    func append(_ bytes: [UInt8], to file: Int32) throws(SpoolError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe write(file, $0.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SpoolError("write in", path, errno) }
            done += count
        }
    }

    func sync(_ file: Int32) throws(SpoolError) {
        guard fdatasync(file) == 0 else { throw SpoolError("write to disk in", path, errno) }
    }

    func syncFolder() throws(SpoolError) {
        guard fsync(descriptor) == 0 else { throw SpoolError("write to disk", path, errno) }
    }

    func truncate(_ file: Int32, to length: Int) throws(SpoolError) {
        guard ftruncate(file, length) == 0 else { throw SpoolError("shorten a file in", path, errno) }
    }

    func close(_ file: Int32) { _ = Glibc.close(file) }

    func read(_ name: String, at offset: Int, count: Int) throws(SpoolError) -> [UInt8] {
        let file = try opened(name, O_RDONLY)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = unsafe bytes.withUnsafeMutableBytes {
                unsafe pread(file, $0.baseAddress?.advanced(by: done), count - done, offset + done)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw SpoolError("read", "\(path)/\(name)", errno) }
            guard got > 0 else { throw SpoolError("read", "\(path)/\(name)", "it is shorter than it was") }
            done += got
        }
        return bytes
    }

    func overwrite(_ name: String, at offset: Int, with bytes: [UInt8]) throws(SpoolError) {
        let file = try opened(name, O_WRONLY)
        defer { close(file) }
        let count = unsafe bytes.withUnsafeBytes { unsafe pwrite(file, $0.baseAddress, bytes.count, offset) }
        guard count == bytes.count else { throw SpoolError("write in", "\(path)/\(name)", errno) }
    }

    func remove(_ name: String) throws(SpoolError) {
        guard unsafe unlinkat(descriptor, name, 0) == 0 else { throw SpoolError("remove", "\(path)/\(name)", errno) }
    }
}

/// The spool could not read or write; nothing was promised to anybody.
struct SpoolError: Error, CustomStringConvertible {
    let description: String

    init(_ step: String, _ object: String, _ reason: String) { description = "cannot \(step) \(object): \(reason)" }

    init(_ step: String, _ object: String, _ errno: Int32) {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        self.init(step, object, reason)
    }
}
