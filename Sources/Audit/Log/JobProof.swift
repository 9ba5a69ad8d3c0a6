internal import Authentication
internal import JSON

/// What proves to somebody who has nothing but the executor's public key that the log had these records of a job.
///
/// It says nothing about records that it does not hold.
public struct JobProof: Sendable {
    /// Bytes of the longest proof that is looked at.
    public static let maximumLength = 32 * 1024 * 1024
    private static let form = "sallyport-audit-proof-1"

    /// A record with the way from its leaf to the root.
    public struct Entry: Sendable {
        /// The line of the log.
        public let record: [UInt8]
        /// Hashes from the leaf upwards (RFC 6962 section 2.1.1).
        public let path: [MerkleHash]

        /// A record and its inclusion proof.
        public init(record: [UInt8], path: [MerkleHash]) {
            self.record = record
            self.path = path
        }
    }

    /// What the log was before, and that nothing of it was changed since.
    public struct Earlier: Sendable {
        /// A checkpoint of fewer records.
        public let checkpoint: SignedNote
        /// The consistency proof (RFC 6962 section 2.1.2).
        public let path: [MerkleHash]

        /// A checkpoint and the way from it.
        public init(checkpoint: SignedNote, path: [MerkleHash]) {
            self.checkpoint = checkpoint
            self.path = path
        }
    }

    /// The job it is about.
    public let job: String
    /// In the order of the log.
    public let entries: [Entry]
    /// Of the tree that the paths lead to.
    public let checkpoint: SignedNote
    /// Where it was asked for.
    public let earlier: Earlier?

    /// A proof of these parts.
    public init(job: String, entries: [Entry], checkpoint: SignedNote, earlier: Earlier?) {
        self.job = job
        self.entries = entries
        self.checkpoint = checkpoint
        self.earlier = earlier
    }

    /// What a proof proves.
    public struct Outcome: Sendable {
        /// Of the log.
        public let checkpoint: Checkpoint
        /// The records of the job.
        public let records: [AuditRecord]
        /// The log began with all that this one covers.
        public let earlier: Checkpoint?
    }

    /// - Throws: ``AuditError`` with what it does not prove.
    public func verify(_ trust: CheckpointTrust) throws(AuditError) -> Outcome {
        let checkpoint = try trust.open(self.checkpoint)
        var records: [AuditRecord] = []
        for entry in entries {
            let record = try AuditRecord(entry.record)
            guard record.event.job == job else { throw AuditError("record \(record.index) is not of job \(job)") }
            guard records.last.map({ $0.index < record.index }) ?? true else { throw AuditError("the records are not in order") }
            guard
                MerkleProof.verifyInclusion(
                    of: .leaf(entry.record), at: record.index, size: checkpoint.size, root: checkpoint.root, path: entry.path)
            else {
                throw AuditError("record \(record.index) is not in the log of \(checkpoint.size) records that was signed")
            }
            records.append(record)
        }
        guard !records.isEmpty else { throw AuditError("the proof holds no record") }
        guard let earlier else { return Outcome(checkpoint: checkpoint, records: records, earlier: nil) }
        let old = try trust.open(earlier.checkpoint)
        guard old.origin == checkpoint.origin,
            MerkleProof.verifyConsistency(
                oldSize: old.size, oldRoot: old.root, newSize: checkpoint.size, newRoot: checkpoint.root, path: earlier.path)
        else {
            throw AuditError(
                "the log of \(checkpoint.size) records does not begin with the \(old.size) of the earlier checkpoint")
        }
        return Outcome(checkpoint: checkpoint, records: records, earlier: old)
    }
}

extension JobProof {
    /// Reads the file's form.
    ///
    /// - Throws: ``AuditError`` when it is something else.
    public init(_ bytes: some Collection<UInt8>) throws(AuditError) {
        let document: JSONValue
        do { document = try JSONValue.parse(bytes) } catch { throw AuditError("not a proof: \(error)") }
        guard document["form"]?.string == Self.form, let job = document["job"]?.string,
            let records = document["records"]?.array, let note = document["checkpoint"]?.string
        else { throw AuditError("not a proof of this version") }
        var entries: [Entry] = []
        for record in records {
            guard let line = record["record"]?.string else { throw AuditError("a proof with a record that is none") }
            entries.append(Entry(record: Array(line.utf8), path: try Self.path(record["path"])))
        }
        var earlier: Earlier?
        if let part = document["earlier"] {
            guard let note = part["checkpoint"]?.string else {
                throw AuditError("a proof with an earlier checkpoint that is none")
            }
            earlier = Earlier(checkpoint: try SignedNote(note.utf8), path: try Self.path(part["path"]))
        }
        self.init(job: job, entries: entries, checkpoint: try SignedNote(note.utf8), earlier: earlier)
    }

    private static func path(_ value: JSONValue?) throws(AuditError) -> [MerkleHash] {
        guard let texts = value?.array, texts.count <= MerkleProof.maximumLength else {
            throw AuditError("a proof without the path of a record")
        }
        var path: [MerkleHash] = []
        for text in texts {
            guard let hash = text.string.flatMap({ Base64.decode($0.utf8) }).flatMap({ MerkleHash($0) }) else {
                throw AuditError("a proof with a hash that is none")
            }
            path.append(hash)
        }
        return path
    }

    /// The file's form: one line of JSON.
    public var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        Self.member("form", Self.form, &writer)
        Self.member("job", job, &writer)
        writer.name("records")
        writer.beginArray()
        for entry in entries {
            writer.beginObject()
            Self.member("record", String(decoding: entry.record, as: UTF8.self), &writer)
            Self.path(entry.path, &writer)
            writer.endObject()
        }
        writer.endArray()
        Self.member("checkpoint", String(decoding: checkpoint.bytes, as: UTF8.self), &writer)
        if let earlier {
            writer.name("earlier")
            writer.beginObject()
            Self.member("checkpoint", String(decoding: earlier.checkpoint.bytes, as: UTF8.self), &writer)
            Self.path(earlier.path, &writer)
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes + [0x0a]
    }

    private static func member(_ name: String, _ text: String, _ writer: inout JSONWriter) {
        writer.name(name)
        writer.string(text)
    }

    private static func path(_ path: [MerkleHash], _ writer: inout JSONWriter) {
        writer.name("path")
        writer.beginArray()
        for hash in path { writer.string(Base64.encode(hash.bytes)) }
        writer.endArray()
    }
}
