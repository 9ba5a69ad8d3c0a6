internal import Audit
internal import Authentication
internal import Logging

/// Takes up a log where it ended: what the journal knows of it must stand in its files, byte for byte, or nothing is served.
///
/// What the journal promised was covered by its transaction; the file may lack the end of that after a crash, and gets it again from
/// the journal. Everything before, which was on the disk when a checkpoint was signed, is read and hashed anew.
struct AuditStart {
    private let settings: AuditSettings
    private let directory: AuditDirectory
    private let folder: AuditFolder
    private let logger: Logger
    /// What the journal has still: the newest records.
    private let kept: [AuditBatch]
    /// The newest checkpoint that the journal knows.
    private let known: (size: UInt64, root: [UInt8])?
    /// The newest checkpoint in the file, and where it ends.
    private let signed: (checkpoint: Checkpoint, end: Int)?

    /// Opens the log, or begins one where the journal has none. Blocks; before the process is sealed.
    ///
    /// - Throws: ``AuditError`` naming the file and what to do.
    static func open(
        _ settings: AuditSettings, in directory: AuditDirectory, _ kept: AuditKept, logger: Logger
    ) throws(AuditError) -> AuditTrail {
        try AuditStart(settings, in: directory, kept: kept.batches, known: kept.checkpoint, logger: logger).open()
    }

    private init(
        _ settings: AuditSettings, in directory: AuditDirectory, kept: [AuditBatch], known: (size: UInt64, root: [UInt8])?,
        logger: Logger
    ) throws(AuditError) {
        self.settings = settings
        self.directory = directory
        self.logger = logger
        self.kept = kept
        self.known = known
        folder = AuditFolder(path: directory.path)
        if (try? AuditFile.length(of: folder.file(AuditFolder.checkpoints))) == nil {
            try directory.make(AuditFolder.checkpoints).close()
            try directory.sync()
        }
        signed = try Self.newest(folder, settings, known: known)
    }

    private static func newest(
        _ folder: AuditFolder, _ settings: AuditSettings, known: (size: UInt64, root: [UInt8])?
    ) throws(AuditError) -> (checkpoint: Checkpoint, end: Int)? {
        let path = folder.file(AuditFolder.checkpoints)
        var newest: (checkpoint: Checkpoint, end: Int)?
        var isThere = known == nil
        let own = try NoteKey(name: settings.origin, key: settings.key.publicKey)
        for (note, end) in try folder.notes().notes {
            guard let checkpoint = try? Checkpoint(text: note.text) else {
                throw AuditError("\(path): a note that is no checkpoint; put the file back as it was")
            }
            // The executor's key may have been replaced since.
            guard note.verify([own]) || !note.signatures.contains(where: { $0.id == own.id }) else {
                throw AuditError("\(path): the checkpoint of \(checkpoint.size) records was changed; put the file back as it was")
            }
            newest = (checkpoint, end)
            if let known, checkpoint.size == known.size, checkpoint.root.bytes == known.root { isThere = true }
        }
        guard isThere else {
            throw AuditError(
                "\(path): the checkpoint of \(known?.size ?? 0) records is gone that the journal knows; put the file back as it was"
            )
        }
        return newest
    }

    private func open() throws(AuditError) -> AuditTrail {
        let names = try folder.segments()
        guard let newest = kept.last else { return try begin(names) }
        guard newest.tree.size >= signed?.checkpoint.size ?? 0 else {
            throw AuditError(
                "\(folder.path): a checkpoint was signed of \(signed?.checkpoint.size ?? 0) records and the journal knows "
                    + "\(newest.tree.size); the journal is an older copy: put back both as they were, or move both away")
        }
        guard let name = names.last else {
            throw AuditError(
                "\(folder.path): no file with records, and the journal knows \(newest.tree.size) of them; put the files back")
        }
        // A file that was begun when everything stopped has no head yet; the one before has all that was written.
        if AuditSegment.first(ofName: name) == signed?.checkpoint.size, names.count > 1, try !hasHead(name) {
            try AuditFile(path: folder.file(name), length: 0).remove()
            return try resume(names[names.count - 2], newest, older: names.dropLast(2))
        }
        return try resume(name, newest, older: names.dropLast())
    }

    private func hasHead(_ name: String) throws(AuditError) -> Bool {
        var hasHead = false
        _ = try folder.lines(of: name) { _ throws(AuditError) in hasHead = true }
        return hasHead
    }

    /// The journal has no record yet: the folder must not have any either.
    private func begin(_ names: [String]) throws(AuditError) -> AuditTrail {
        var count = 0
        for name in names { _ = try folder.lines(of: name) { _ throws(AuditError) in count += 1 } }
        guard signed == nil, names.count <= 1, count <= 1 else {
            throw AuditError(
                "\(folder.path): the journal knows nothing of the records there; put back the journal that belongs to them, or move "
                    + "this folder away and begin a new log")
        }
        if let name = names.first { try AuditFile(path: folder.file(name), length: 0).remove() }
        let tree = MerkleFrontier()
        return try trail(segment: directory.makeSegment(origin: settings.origin, after: tree), first: 0, older: 0, tree: tree)
    }

    private func resume(
        _ name: String, _ newest: AuditBatch, older: ArraySlice<String>
    ) throws(AuditError) -> AuditTrail {
        // Up to here the file was on the disk before the journal let go of its copy.
        let durable = max(kept.first?.first ?? 0, signed?.checkpoint.size ?? 0)
        let (found, end, rest) = try read(name, to: durable)
        guard found.size == durable else {
            throw AuditError(
                "\(folder.file(name)): ends after \(found.size) records, and \(durable) were written; put the file back as it was"
            )
        }
        let (missing, tree) = missing(after: found)
        guard tree == newest.tree else {
            throw AuditError(
                "\(folder.file(name)): its records are not those that the journal has hashed; somebody changed the file or the journal: "
                    + "find the record with sallyport audit verify, and put the files back as they were")
        }
        if !missing.starts(with: rest) {
            logger.warning(
                "audit log: its end was not what the journal has, and is written again",
                metadata: ["file": "\(folder.file(name))", "record": "\(durable)"])
        }
        var segment = try AuditFile(path: folder.file(name), length: end)
        try segment.append(missing)
        try segment.sync()
        var bytes = 0
        for name in older { bytes += try AuditFile.length(of: folder.file(name)) }
        return try trail(segment: segment, first: AuditSegment.first(ofName: name) ?? 0, older: bytes, tree: tree)
    }

    /// The tree over the records of the file up to `size`, where they end, and what stands behind them.
    private func read(_ name: String, to size: UInt64) throws(AuditError) -> (MerkleFrontier, end: Int, rest: [UInt8]) {
        var tree = MerkleFrontier()
        var (end, rest): (Int, [UInt8]) = (0, [])
        _ = try folder.lines(of: name) { line throws(AuditError) in
            do throws(AuditError) {
                if line.number == 1 {
                    let segment = try AuditSegment(line.bytes)
                    guard segment.name == name, segment.origin == settings.origin else {
                        throw AuditError("it is \(segment.name) of the log \(segment.origin), not \(name) of \(settings.origin)")
                    }
                    tree = segment.before
                } else if tree.size < size {
                    // The hashes tell whether the rest is as it was written.
                    guard line.bytes.starts(with: AuditRecord.opening(tree.size)) else {
                        throw AuditError("not record \(tree.size)")
                    }
                    tree.append(.leaf(line.bytes))
                } else {
                    rest += line.bytes + [0x0a]
                    return
                }
            } catch {
                throw AuditError(
                    "\(folder.file(name)):\(line.number): \(error); the file was changed: put it back as it was, sallyport audit "
                        + "verify tells more")
            }
            end = line.offset + line.bytes.count + 1
            if let checkpoint = signed?.checkpoint, checkpoint.size == tree.size, checkpoint.root != tree.root {
                throw AuditError(
                    "\(folder.file(name)): its first \(tree.size) records are not those of the checkpoint that was signed of them; "
                        + "the file was changed: put it back as it was, sallyport audit verify tells more")
            }
        }
        return (tree, end, rest)
    }

    /// The records that the journal has and the file may lack, and the tree over all of them.
    private func missing(after tree: MerkleFrontier) -> ([UInt8], MerkleFrontier) {
        var (lines, all) = ([UInt8](), tree)
        for batch in kept {
            var index = batch.first
            for line in batch.lines.split(separator: 0x0a) {
                if index >= tree.size {
                    lines += line + [0x0a]
                    all.append(.leaf(line))
                }
                index += 1
            }
        }
        return (lines, all)
    }

    private func trail(
        segment: AuditFile, first: UInt64, older: Int, tree: MerkleFrontier
    ) throws(AuditError) -> AuditTrail {
        let checkpoints = try AuditFile(path: folder.file(AuditFolder.checkpoints), length: signed?.end ?? 0)
        var state = AuditWriter.State(
            directory: directory, segment: segment, first: first, checkpoints: checkpoints, older: older, written: tree,
            checkpoint: signed?.checkpoint)
        // What was left without a checkpoint gets one.
        try state.sign(settings)
        try state.beginNext(settings)
        return AuditTrail(tree: tree, writer: AuditWriter(state, settings: settings, logger: logger))
    }
}
