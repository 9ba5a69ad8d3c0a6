/// A whole log in its folder, read and held against what was signed.
public struct AuditLog: Sendable {
    /// What a reader is told.
    public struct Visitor {
        /// A file begins.
        public let begin: (AuditSegment) -> Void
        /// A record and its leaf's hash. Not believed before all of the log was read.
        public let record: (AuditRecord, MerkleHash) -> Void

        /// Nothing is told of what is left out.
        public init(
            begin: @escaping (AuditSegment) -> Void = { _ in }, record: @escaping (AuditRecord, MerkleHash) -> Void = { _, _ in }
        ) {
            self.begin = begin
            self.record = record
        }
    }

    /// Tries, 100 ms each, to see the end of a line that is just being written.
    public static let patience = 10

    private let folder: AuditFolder
    private let trust: CheckpointTrust
    private let patience: Int

    /// - Parameters:
    ///   - trust: whose checkpoints are believed.
    ///   - patience: 0 for a log that nobody writes to.
    public init(path: String, trust: CheckpointTrust, patience: Int = patience) {
        folder = AuditFolder(path: path)
        self.trust = trust
        self.patience = patience
    }

    /// The checkpoints beside the log, in the order in which they were written, all of them signed.
    public func checkpoints() throws(AuditError) -> [(note: SignedNote, checkpoint: Checkpoint)] {
        let (notes, rest) = try folder.notes(patience: patience)
        guard rest == 0 else {
            throw AuditError("\(folder.file(AuditFolder.checkpoints)): ends in the middle of a checkpoint, \(rest) bytes of it")
        }
        var opened: [(note: SignedNote, checkpoint: Checkpoint)] = []
        for (note, _) in notes {
            do throws(AuditError) {
                let checkpoint = try trust.open(note)
                if let last = opened.last?.checkpoint.size, last > checkpoint.size {
                    throw AuditError("a checkpoint of \(checkpoint.size) records after one of \(last)")
                }
                opened.append((note, checkpoint))
            } catch {
                throw error.at(folder.file(AuditFolder.checkpoints))
            }
        }
        return opened
    }

    /// A place in the log: what is written from now on stands behind it.
    public struct End: Sendable {
        let file: String
        let length: Int

        fileprivate func isBefore(_ line: AuditFolder.Line, of name: String) -> Bool {
            name == file ? line.offset + line.bytes.count >= length : name > file
        }
    }

    /// How far the log goes now; nil when it has no files.
    public func end() throws(AuditError) -> End? {
        guard let last = try folder.segments().last else { return nil }
        return End(file: last, length: try folder.length(of: last))
    }

    /// Reads all of the log.
    ///
    /// - Parameters:
    ///   - checkpoints: those of ``checkpoints()``, which must be read first because the log grows meanwhile, and any kept elsewhere.
    ///   - end: of records behind it the visitor is not told.
    ///   - visitor: is told of everything on the way.
    /// - Throws: ``AuditError`` with the first thing that is not as it was written, and its place.
    @discardableResult
    public func verify(
        _ checkpoints: [Checkpoint], until end: End? = nil, _ visitor: Visitor = Visitor()
    ) throws(AuditError) -> AuditVerifier.Outcome {
        var verifier = try AuditVerifier(checkpoints)
        let names = try folder.segments()
        for name in names {
            var hasHead = false
            let patience = name == names.last ? patience : 0
            try folder.awaitHead(of: name, patience: patience)
            let rest = try folder.lines(of: name, patience: patience) { line throws(AuditError) in
                do throws(AuditError) {
                    if line.number == 1 {
                        hasHead = true
                        let segment = try AuditSegment(line.bytes)
                        guard segment.name == name else { throw AuditError("the file was renamed, it was \(segment.name)") }
                        try verifier.begin(segment)
                        visitor.begin(segment)
                    } else {
                        let (record, leaf) = try verifier.take(line.bytes)
                        if end?.isBefore(line, of: name) != true { visitor.record(record, leaf) }
                    }
                } catch {
                    throw error.at("\(folder.file(name)):\(line.number)")
                }
            }
            guard hasHead else { throw AuditError("\(folder.file(name)): has no head: it was cut") }
            guard rest == 0 else {
                throw AuditError("\(folder.file(name)): ends in the middle of a line, \(rest) bytes of it: it was cut")
            }
        }
        return try verifier.finish()
    }
}
