internal import FoundationEssentials
internal import JobProtocol
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf

/// What an earlier life of the ingress left in the spool's folder.
struct SpoolInventory {
    /// Bytes that are of no use, and why.
    struct Finding {
        let segment: UInt64
        let offset: Int
        let what: String
        let bytes: [UInt8]

        /// The file it is kept under.
        var name: String { SpoolWriter.name(segment).replacing(".spool", with: "-\(offset).damaged") }
    }

    /// In the order of their promises.
    private(set) var entries: [SpoolIndex.Entry] = []
    /// With the records that still wait; superseded ones count.
    private(set) var segments: [UInt64: (bytes: Int, waiting: Int)] = [:]
    /// Sizes of the files that were set aside.
    private(set) var setAside: [String: Int] = [:]
    private(set) var findings: [Finding] = []
    /// Records of jobs that were signed anew since.
    private(set) var superseded: [SpoolPlace] = []

    /// Reads everything. A file that cannot be read is a finding.
    ///
    /// - Throws: ``SpoolError`` when the folder cannot be listed.
    init(_ disk: any SpoolDisk, keys: TrustedKeys) throws(SpoolError) {
        var newest: [String: SpoolIndex.Entry] = [:]
        for (name, size) in try disk.list() {
            if name.hasSuffix(".refused") || name.hasSuffix(".damaged") || name.hasSuffix(".expired") {
                setAside[name] = size
                continue
            }
            // After the last number there is no next one: that is no segment of ours.
            guard name.hasSuffix(".spool"), let number = UInt64(name.dropLast(6)), number < .max, SpoolWriter.name(number) == name
            else { continue }
            do throws(SpoolError) {
                try read(try disk.read(name, at: 0, count: size), of: number, keys: keys, into: &newest)
            } catch {
                // It stays where it is, and counts.
                segments[number] = (size, .max / 2)
                findings.append(Finding(segment: number, offset: 0, what: "\(error)", bytes: []))
            }
        }
        entries = newest.values.sorted { $0.order < $1.order }
    }

    private mutating func read(
        _ bytes: [UInt8], of segment: UInt64, keys: TrustedKeys, into newest: inout [String: SpoolIndex.Entry]
    ) throws(SpoolError) {
        let scan = SpoolScan(bytes)
        for range in scan.damaged {
            findings.append(
                Finding(segment: segment, offset: range.lowerBound, what: "damaged record", bytes: Array(bytes[range])))
        }
        if let offset = scan.unfinished, bytes[offset...].contains(where: { $0 != 0 }) {
            let what = "record that was being written when everything stopped"
            findings.append(Finding(segment: segment, offset: offset, what: what, bytes: Array(bytes[offset...])))
        }
        var waiting = 0
        for found in scan.records where !found.isDone {
            guard let signed = try? found.record.signed(by: keys) else {
                let record = Array(bytes[found.offset..<(found.offset + found.length)])
                let what = "record that this ingress's key did not sign"
                findings.append(Finding(segment: segment, offset: found.offset, what: what, bytes: record))
                continue
            }
            waiting += 1
            let place = SpoolPlace(segment: segment, offset: found.offset, length: found.length)
            let request = signed.request
            let entry = SpoolIndex.Entry(
                jobID: request.jobID, hook: request.hook, dedupeKey: request.dedupeKey, bodyDigest: [UInt8](request.bodyDigest),
                order: found.record.order, storedAt: found.record.storedAt, length: found.length,
                generation: found.record.generation, place: place, mayBeKnown: true)
            guard let other = newest[request.jobID] else {
                newest[request.jobID] = entry
                continue
            }
            let isNewer = entry.generation > other.generation
            if let old = isNewer ? other.place : place { superseded.append(old) }
            if isNewer { newest[request.jobID] = entry }
        }
        segments[segment] = (bytes.count, waiting)
    }
}

extension SpoolRecord {
    /// The request, after its signature was checked.
    ///
    /// - Throws: ``ProtocolError`` when one of `keys` did not sign it, or SwiftProtobuf's error.
    func signed(by keys: TrustedKeys) throws -> SignedRequest {
        try SignedRequest(
            try WireSignedEnvelope(serializedBytes: envelope), body: body.map { .init(bytes: $0) }, signedBy: keys)
    }
}
