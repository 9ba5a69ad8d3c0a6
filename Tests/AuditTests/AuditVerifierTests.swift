import Authentication
import Glibc
import TestSupport
import Testing

@testable import Audit

/// Whatever is changed in a log that is covered by a checkpoint is found.
struct AuditVerifierTests {
    private static let log = try? SampleLog()
    private let log: SampleLog

    init() throws { log = try #require(Self.log) }

    @Test func `a log as it was written holds`() throws {
        let outcome = try log.verify()
        #expect(outcome.size == 7)
        #expect(outcome.checkpoints == 3)
        #expect(outcome.covered == 7)
        #expect(outcome.first == 0)
        #expect(outcome.root == (try Checkpoint(text: log.checkpoints[2].text).root))
    }

    @Test func `every byte of every file, changed in any bit, is found`() {
        for (file, content) in log.files.enumerated() {
            for place in content.bytes.indices {
                let bit = UInt8(1) << UInt8(place % 8)
                #expect(throws: AuditError.self, "\(content.name) byte \(place)") {
                    try log.verify { $0[file].bytes[place] ^= bit }
                }
            }
        }
    }

    @Test func `every byte taken away or put in is found`() {
        for (file, content) in log.files.enumerated() {
            for place in content.bytes.indices {
                #expect(throws: AuditError.self) { try log.verify { $0[file].bytes.remove(at: place) } }
                #expect(throws: AuditError.self) { try log.verify { $0[file].bytes.insert(0x20, at: place) } }
            }
        }
    }

    @Test func `a file that was cut anywhere is found, or its records are told as not covered`() {
        for (file, content) in log.files.enumerated() {
            for count in content.bytes.indices {
                let outcome = try? log.verify { $0[file].bytes.removeLast(content.bytes.count - count) }
                // Whole checkpoints may be missing without a trace: those that are kept elsewhere show it, see below.
                let isTold = file == 2 && outcome.map { $0.covered < $0.size } ?? true
                #expect(outcome == nil || isTold, "\(content.name) to \(count)")
            }
        }
    }

    @Test func `records dropped, doubled, swapped or copied are found`() throws {
        for file in 0..<2 {
            let lines = log.files[file].bytes.split(separator: 0x0a).map { Array($0) }
            func verify(_ lines: [[UInt8]]) throws { try log.verify { $0[file].bytes = lines.flatMap { $0 + [0x0a] } } }
            try verify(lines)
            for one in lines.indices {
                var dropped = lines
                dropped.remove(at: one)
                #expect(throws: AuditError.self) { try verify(dropped) }
                var doubled = lines
                doubled.insert(lines[one], at: one)
                #expect(throws: AuditError.self) { try verify(doubled) }
                for other in lines.indices where other != one {
                    var swapped = lines
                    swapped.swapAt(one, other)
                    #expect(throws: AuditError.self) { try verify(swapped) }
                    var copied = lines
                    copied[one] = lines[other]
                    #expect(throws: AuditError.self) { try verify(copied) }
                }
            }
        }
    }

    @Test func `a record that was written anew with its number kept is found, and its place is told`() throws {
        let error = #expect(throws: AuditError.self) {
            try log.verify { files in
                let old = SampleLog.record(2).bytes
                let event = AuditEvent(.delivery, at: 5, [("job", "invented")])
                let text = String(decoding: files[0].bytes, as: UTF8.self)
                let new = String(decoding: AuditRecord(index: 2, event: event).bytes, as: UTF8.self)
                files[0].bytes = Array(text.replacing(String(decoding: old, as: UTF8.self), with: new).utf8)
            }
        }
        #expect(error?.description.contains("records 2 to 3 are not those of the checkpoint") == true)
        #expect(error?.description.contains("00000000000000000000.audit:5") == true)
    }

    @Test func `a file that was dropped or renamed is found`() throws {
        for file in log.files.indices {
            // The first file may be kept elsewhere.
            if file == 0 { continue }
            #expect(throws: AuditError.self) { try log.verify { $0.remove(at: file) } }
        }
        #expect(throws: AuditError.self) { try log.verify { $0[1].name = AuditSegment.name(first: 5) } }
        #expect(throws: AuditError.self) { try log.verify { $0[0].name = AuditSegment.name(first: 9) } }
    }

    @Test func `older files may be kept elsewhere where a checkpoint says what was before`() throws {
        let outcome = try log.verify { $0.removeFirst() }
        #expect(outcome.first == 4)
        #expect(outcome.size == 7)
        #expect(outcome.skipped == 1)
        #expect(outcome.checkpoints == 2)
        let other = try SampleLog(records: 9, secondFile: 5)
        #expect(throws: Never.self) { try other.verify { $0.removeFirst() } }
        // Without that checkpoint the head of the file could say anything.
        #expect(throws: AuditError.self) {
            try log.verify { files in
                files.removeFirst()
                files[1].bytes = log.checkpoints[0].bytes + log.checkpoints[2].bytes
            }
        }
    }

    @Test func `a log that was cut together with its checkpoints is found by one that is kept elsewhere`() throws {
        let kept = try log.trust.open(log.checkpoints[2])
        let cut: (inout [(name: String, bytes: [UInt8])]) -> Void = { files in
            files.remove(at: 1)
            files[1].bytes = log.checkpoints[0].bytes + log.checkpoints[1].bytes
        }
        #expect(try log.verify(cut).size == 4)
        let error = #expect(throws: AuditError.self) { try log.verify(more: [kept], cut) }
        #expect(error?.description.contains("ends after 4 records, and a checkpoint was signed of 7") == true)
    }

    @Test func `a log that was written anew from the start is found by a checkpoint that is kept elsewhere`() throws {
        let kept = Checkpoint(origin: SampleLog.origin, size: 2, root: .leaf([9]))
        #expect(throws: AuditError.self) { try log.verify(more: [kept]) }
        let later = Checkpoint(origin: SampleLog.origin, size: 3, root: .leaf([9]))
        #expect(throws: AuditError.self) { try log.verify(more: [later]) }
    }

    @Test func `another key's checkpoints are not believed, and no checkpoint is no proof`() throws {
        let other = try SampleLog()
        #expect(throws: AuditError.self) { try log.verify { $0[2].bytes = other.files[2].bytes } }
        #expect(throws: AuditError.self) { try log.verify { $0[2].bytes = [] } }
    }

    @Test func `records after the newest checkpoint are counted as not covered`() throws {
        let outcome = try log.verify { $0[2].bytes = log.checkpoints[0].bytes + log.checkpoints[1].bytes }
        #expect(outcome.size == 7)
        #expect(outcome.covered == 4)
    }

    @Test func `a line of the greatest length is read and a longer one is not`() throws {
        let error = #expect(throws: AuditError.self) {
            try log.verify { $0[1].bytes += [UInt8](repeating: 0x20, count: AuditRecord.maximumLength + 1) }
        }
        #expect(error?.description.contains("a line of more than") == true)
        let shorter = #expect(throws: AuditError.self) {
            try log.verify { $0[1].bytes += [UInt8](repeating: 0x20, count: AuditRecord.maximumLength) + [0x0a] }
        }
        #expect(shorter?.description.contains("not a record") == true)
    }

    @Test func `a line that is just being written is waited for`() throws {
        let folder = try TemporaryFolder()
        for file in log.files { _ = try folder.write(file.name, file.bytes) }
        let record = SampleLog.record(7).bytes + [0x0a]
        let path = try folder.write(log.files[1].name, log.files[1].bytes + record.prefix(9))
        let reader = AuditLog(path: folder.path, trust: log.trust)
        let checkpoints = try reader.checkpoints().map(\.checkpoint)
        let writing = Background {
            usleep(150_000)
            let file = open(path, O_WRONLY | O_APPEND)
            defer { close(file) }
            return write(file, Array(record.dropFirst(9)), record.count - 9)
        }
        #expect(try reader.verify(checkpoints).size == 8)
        #expect(try writing.value == record.count - 9)
        #expect(throws: AuditError.self) {
            _ = try folder.write(log.files[1].name, log.files[1].bytes + record.prefix(9))
            try AuditLog(path: folder.path, trust: log.trust, patience: 0).verify(checkpoints)
        }
    }

    @Test func `a folder that is not there is not called changed`() {
        let error = #expect(throws: AuditError.self) { try AuditLog(path: "/nonexistent", trust: log.trust).checkpoints() }
        #expect(error?.isUnreadable == true)
    }
}
