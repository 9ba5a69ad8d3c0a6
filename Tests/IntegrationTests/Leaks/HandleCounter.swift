import Foundation
import Glibc
import TestSupport

/// Counts what the programs make and free at the C boundary, while they run and as they are released.
///
/// A library that is loaded before all others stands before the functions of ``Handle/all``, passes each call on and counts it in a
/// shared file that it has mapped before the seal: no system call. Calls from the library that has the function, to itself, are not counted.
/// The library hands itself on to the SSH workers, which are started without an environment. A process that is forked begins with its
/// parent's figures.
final class HandleCounter {
    /// Processes that can be counted in one file.
    private static let places = 4096
    private static let nameLength = 64
    private static var stride: Int { nameLength + 8 * (1 + Handle.functions.count) }

    /// What one process has made and freed, in the order of ``Handle/functions``.
    struct Counts {
        let pid: Int32
        let program: String
        let calls: [Int]

        /// What is made and not freed, by kind.
        var outstanding: [(name: String, count: Int)] {
            var next = 0
            return Handle.all.map { handle in
                defer { next += handle.functions.count }
                let sums = zip(handle.functions, calls[next...]).map { $0.effect.sign * $1 }
                return (handle.name, sums.reduce(0, +))
            }
        }

        func calls(_ function: String) -> Int {
            Handle.functions.firstIndex { $0.name == function }.map { calls[$0] } ?? 0
        }

        func outstanding(_ name: String) -> Int { outstanding.first { $0.name == name }?.count ?? 0 }
    }

    private let page: URL
    private let library: URL

    /// Makes the library, with the C compiler that Swift brings.
    init(in folder: URL) throws {
        page = folder.appending(path: "handles")
        library = folder.appending(path: "handles.so")
        FileManager.default.createFile(atPath: page.path, contents: nil)
        guard truncate(page.path, Self.stride * Self.places) == 0 else { throw TestBedError("truncate \(page.path): \(errno)") }
        let source = folder.appending(path: "handles.c")
        try Self.text.write(to: source, atomically: true, encoding: .utf8)
        let made = try Command.run(
            "/usr/bin/env", ["clang", "-O2", "-Wall", "-shared", "-fPIC", "-o", library.path, source.path, "-ldl", "-lpthread"])
        guard made.code == 0 else { throw TestBedError("clang: \(made.errors)") }
    }

    /// What a program needs to be counted.
    var environment: [String: String] { ["LD_PRELOAD": library.path, "SALLYPORT_TEST_HANDLES": page.path] }

    /// All processes there have been.
    func all() throws -> [Counts] {
        let data = [UInt8](try Data(contentsOf: page))
        func number(_ offset: Int) -> Int {
            data.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: offset, as: Int64.self)) }
        }
        return (0..<Self.places).compactMap { place in
            let start = place * Self.stride
            let pid = number(start + Self.nameLength)
            guard pid != 0 else { return nil }
            return Counts(
                pid: Int32(pid),
                program: String(decoding: data[start..<(start + Self.nameLength)].prefix { $0 != 0 }, as: UTF8.self),
                calls: Handle.functions.indices.map { number(start + Self.nameLength + 8 * (1 + $0)) })
        }
    }

    /// One of them.
    func counts(_ pid: Int32) throws -> Counts {
        guard let found = try all().last(where: { $0.pid == pid }) else { throw TestBedError("process \(pid) is not counted") }
        return found
    }

    private static var text: String {
        let wraps = Handle.functions.enumerated().filter { $0.element.effect.isWrapped }.map { index, function in
            "\(function.effect.rawValue)(\(function.name), \(index))\n"
        }
        let own = Handle.functions.enumerated().filter { !$0.element.effect.isWrapped }.map { index, function in
            "    \(function.name.map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined().uppercased()) = \(index),\n"
        }
        return """
            #define FUNCTIONS \(Handle.functions.count)
            #define PLACES \(places)
            #define NAME \(nameLength)
            enum {
            \(own.joined())};
            \(HandleCounter.source)
            \(wraps.joined())
            """
    }
}
