import Glibc
import JSON
import Logging
import Testing

@testable import Telemetry

@Suite struct LineLogHandlerTests {
    /// A pipe: what is logged, and what came out of it.
    private final class Pipe {
        private let ends: (reading: Int32, writing: Int32)

        init() throws {
            var descriptors: [Int32] = [0, 0]
            try #require(unsafe pipe(&descriptors) == 0)
            ends = (descriptors[0], descriptors[1])
            _ = fcntl(ends.reading, F_SETFL, O_NONBLOCK)
        }

        deinit {
            close(ends.reading)
            close(ends.writing)
        }

        func logger(_ level: Logger.Level = .trace, _ form: LogForm = .json) -> Logger {
            logger(LogThreshold(level), form)
        }

        func logger(_ threshold: LogThreshold, _ form: LogForm = .json) -> Logger {
            let descriptor = ends.writing
            return Logger(label: "test") { _ in
                LineLogHandler(service: "sallyport-test", threshold: threshold, descriptor: descriptor, form: form)
            }
        }

        func lines() -> [String] {
            var all: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 65536)
            while case let count = unsafe read(ends.reading, &piece, piece.count), count > 0 { all += piece[..<count] }
            return String(decoding: all, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(
                String.init)
        }
    }

    private func parse(_ line: String) throws -> JSONValue { try JSONValue.parse(Array(line.utf8)) }

    @Test func `an event is one line of JSON with its fields`() throws {
        let pipe = try Pipe()
        var logger = pipe.logger()
        logger[metadataKey: "correlation_id"] = "c-1"
        logger.warning("job failed", metadata: ["trace.id": "4bf9", "job": "deploy"])
        let lines = pipe.lines()
        #expect(lines.count == 1)
        #expect(lines[0].hasPrefix("{\"@timestamp\":\"20"))
        #expect(
            lines[0].hasSuffix(
                "Z\",\"log.level\":\"warning\",\"message\":\"job failed\",\"service.name\":\"sallyport-test\","
                    + "\"correlation_id\":\"c-1\",\"job\":\"deploy\",\"trace.id\":\"4bf9\"}"))
    }

    @Test func `nothing a sender wrote can begin a line or move the cursor`() throws {
        let pipe = try Pipe()
        let evil = "x\n{\"log.level\":\"error\"}\r\u{1b}[2J\0\u{7f}"
        pipe.logger().info("\(evil)", metadata: ["header": "\(evil)", "\(evil)": "1"])
        let lines = pipe.lines()
        #expect(lines.count == 1)
        #expect(lines[0].utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
        #expect(try parse(lines[0])["header"]?.string == evil)
        #expect(try parse(lines[0])["log.level"]?.string == "info")
    }

    @Test func `metadata cannot pose as a field of the line`() throws {
        let pipe = try Pipe()
        pipe.logger().info("m", metadata: ["log.level": "error", "service.name": "other", "message": "n"])
        let line = try parse(pipe.lines()[0])
        #expect(line["log.level"]?.string == "info")
        #expect(line.object?.members.count == 4)
    }

    @Test func `an error is a field of its own`() throws {
        struct Failure: Error, CustomStringConvertible { let description = "disk is full" }
        let pipe = try Pipe()
        pipe.logger().error("cannot write", error: Failure())
        #expect(try parse(pipe.lines()[0])["error.message"]?.string == "disk is full")
    }

    @Test func `what is below the level is not written`() throws {
        let pipe = try Pipe()
        pipe.logger(.warning).info("m")
        #expect(pipe.lines().isEmpty)
    }

    @Test func `a long value is cut with a mark, a short one is whole`() throws {
        let pipe = try Pipe()
        let whole = String(repeating: "a", count: LineLogHandler.maximumValue)
        pipe.logger().info("m", metadata: ["whole": "\(whole)", "long": "\(whole)b"])
        let line = try parse(pipe.lines()[0])
        #expect(line["whole"]?.string == whole)
        #expect(line["long"]?.string == String(repeating: "a", count: LineLogHandler.maximumValue - 3) + "…")
    }

    @Test func `a threshold moves the loggers that have it, and none that was set apart`() throws {
        let pipe = try Pipe()
        let threshold = LogThreshold(.warning)
        let logger = pipe.logger(threshold)
        var apart = logger
        apart.logLevel = .warning
        logger.info("before")
        threshold.level = .info
        logger.info("after")
        apart.info("apart")
        #expect(try pipe.lines().map { try parse($0)["message"]?.string } == ["after"])
    }

    @Test func `a person reads text, in which nothing moves the cursor and values can be told apart`() throws {
        let pipe = try Pipe()
        let values: Logger.Metadata = ["a": "plain", "b": "two words", "c": "", "d": "\"q\"", "e": "x\n\u{9b}2J\u{202e}"]
        pipe.logger(.trace, .text(isColoured: false)).warning("disk\r full", metadata: values)
        pipe.logger(.trace, .text(isColoured: true)).error("m", metadata: ["k": "v"])
        let lines = pipe.lines()
        #expect(lines.count == 2)
        #expect(
            lines[0].dropFirst(13)
                == #" WARNING  disk\u{d} full a=plain b="two words" c="" d="\"q\"" e=x\u{a}\u{9b}2J\u{202e}"#)
        #expect(lines[1].dropFirst(21) == " \u{1b}[31mERROR\u{1b}[0m    m \u{1b}[2mk=\u{1b}[0mv", "\(lines[1].debugDescription)")
    }

    @Test(arguments: ["a", "é", "\u{1}", "\"", "\u{202e}", "👩‍👩‍👧"])
    func `a line of text has as many bytes at most`(character: String) throws {
        let pipe = try Pipe()
        let long = String(repeating: character, count: 5000)
        var metadata: Logger.Metadata = [:]
        for index in 0..<100 { metadata["key\(index)\(long)"] = "\(long)" }
        pipe.logger(.trace, .text(isColoured: true)).info("\(long)", metadata: metadata)
        let lines = pipe.lines()
        #expect(lines.count == 1)
        #expect(lines[0].utf8.count + 1 <= LineLogHandler.maximumLine)
        #expect(lines[0].utf8.count > LineLogHandler.maximumLine / 2)
        #expect(lines[0].hasSuffix("…"))
    }

    @Test(arguments: ["a", "é", "\u{1}", "\"", "👩‍👩‍👧"])
    func `a line never has more bytes than a pipe takes as a whole`(character: String) throws {
        let pipe = try Pipe()
        let long = String(repeating: character, count: 5000)
        var metadata: Logger.Metadata = [:]
        for index in 0..<100 { metadata["key\(index)\(long)"] = "\(long)" }
        pipe.logger().info("\(long)", metadata: metadata)
        let lines = pipe.lines()
        #expect(lines.count == 1)
        #expect(lines[0].utf8.count + 1 <= LineLogHandler.maximumLine)
        #expect(lines[0].utf8.count > LineLogHandler.maximumLine / 2)
        let line = try parse(lines[0])
        #expect(line["message"]?.string?.hasSuffix("…") == true)
        #expect(line["log.truncated"] != nil)
    }

    @Test func `a reader that does not read stops nobody, and the loss is counted`() throws {
        let pipe = try Pipe()
        let logger = pipe.logger()
        let before = LineLogHandler.dropped
        let long = String(repeating: "a", count: 1000)
        // A pipe has 64 KiB; a write that blocks would never come back.
        for index in 0..<200 { logger.info("\(index) \(long)") }
        let lines = pipe.lines()
        #expect(lines.count < 200)
        #expect(LineLogHandler.dropped - before >= 200 - lines.count)
        for line in lines { #expect(try parse(line)["message"] != nil) }
        logger.info("again")
        #expect(pipe.lines().count == 1)
    }

    @Test func `many tasks write whole lines`() async throws {
        let pipe = try Pipe()
        let logger = pipe.logger()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 { group.addTask { for index in 0..<20 { logger.info("task \(task) line \(index)") } } }
        }
        let messages = try pipe.lines().map { try parse($0)["message"]?.string }
        #expect(Set(messages).count == 160)
    }

    @Test(arguments: [
        (0, 0, "1970-01-01T00:00:00.000Z"), (951_782_399, 999, "2000-02-28T23:59:59.999Z"),
        (951_782_400, 0, "2000-02-29T00:00:00.000Z"),
        (951_868_800, 7, "2000-03-01T00:00:00.007Z"), (1_700_000_000, 42, "2023-11-14T22:13:20.042Z"),
        (4_107_542_399, 0, "2100-02-28T23:59:59.000Z"), (4_107_542_400, 0, "2100-03-01T00:00:00.000Z"),
    ])
    func `times are RFC 3339 in UTC`(seconds: Int, milliseconds: Int, expected: String) {
        #expect(Timestamp.text(seconds: seconds, milliseconds: milliseconds) == expected)
    }

    @Test func `times agree with the C library through four centuries`() {
        for seconds in stride(from: 0, to: 12_622_780_800, by: 86_400 * 13 + 3607) {
            var time = seconds
            var parts = unsafe tm()
            unsafe gmtime_r(&time, &parts)
            var text = [CChar](repeating: 0, count: 32)
            let count = unsafe strftime(&text, 32, "%Y-%m-%dT%H:%M:%S.000Z", &parts)
            let expected = String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            #expect(Timestamp.text(seconds: seconds, milliseconds: 0) == expected)
        }
    }
}
