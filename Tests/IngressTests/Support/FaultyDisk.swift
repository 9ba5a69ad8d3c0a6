import Synchronization

@testable import Ingress

/// A spool's folder that can be told to fail, and counts what is asked of it.
final class FaultyDisk: SpoolDisk {
    struct Faults {
        var append = false
        var sync = false
        var create = false
        /// A write ends after so many bytes.
        var torn: Int?
    }

    let faults = Mutex(Faults())
    let syncs = Atomic(0)
    let appends = Atomic(0)
    private let disk: SpoolFolder

    init(_ path: String) throws { disk = try SpoolFolder(path: path, number: 0) }

    private func fail(_ what: String) -> SpoolError { SpoolError(what, "test", "no space left on device") }

    func list() throws(SpoolError) -> [(name: String, size: Int)] { try disk.list() }

    func create(_ name: String) throws(SpoolError) -> Int32 {
        if faults.withLock({ $0.create }) { throw fail("create") }
        return try disk.create(name)
    }

    func append(_ bytes: [UInt8], to descriptor: Int32) throws(SpoolError) {
        appends.add(1, ordering: .relaxed)
        let (fails, torn) = faults.withLock { ($0.append, $0.torn) }
        if let torn { try disk.append(Array(bytes.prefix(torn)), to: descriptor) }
        if fails || torn != nil { throw fail("write") }
        try disk.append(bytes, to: descriptor)
    }

    func sync(_ descriptor: Int32) throws(SpoolError) {
        syncs.add(1, ordering: .relaxed)
        if faults.withLock({ $0.sync }) { throw fail("sync") }
        try disk.sync(descriptor)
    }

    func syncFolder() throws(SpoolError) { try disk.syncFolder() }
    func truncate(_ descriptor: Int32, to length: Int) throws(SpoolError) { try disk.truncate(descriptor, to: length) }
    func close(_ descriptor: Int32) { disk.close(descriptor) }
    func read(_ name: String, at offset: Int, count: Int) throws(SpoolError) -> [UInt8] {
        try disk.read(name, at: offset, count: count)
    }
    func overwrite(_ name: String, at offset: Int, with bytes: [UInt8]) throws(SpoolError) {
        try disk.overwrite(name, at: offset, with: bytes)
    }
    func remove(_ name: String) throws(SpoolError) { try disk.remove(name) }
}
