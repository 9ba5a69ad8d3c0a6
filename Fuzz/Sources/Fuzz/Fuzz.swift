import Glibc

/// What libFuzzer calls with each input (https://llvm.org/docs/LibFuzzer.html). Which target it is for says `SALLYPORT_FUZZ`.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    FuzzTarget.chosen.run(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}

/// One thing that reads bytes of strangers. It fails by a trap: a fault of the code under test, or a promise that was not kept.
struct FuzzTarget: Sendable {
    let name: String
    let run: @Sendable ([UInt8]) -> Void

    static let all = protocols + signatures + texts + files + audit + requests

    static let chosen: FuzzTarget = {
        let name = getenv("SALLYPORT_FUZZ").map { String(cString: $0) } ?? ""
        guard let target = all.first(where: { $0.name == name }) else {
            let names = "SALLYPORT_FUZZ is one of: \(all.map(\.name).joined(separator: " "))\n"
            write(2, names, names.utf8.count)
            exit(2)
        }
        return target
    }()
}

/// The part of an input up to the first zero, and the rest: for targets that take two things.
func halves(_ bytes: [UInt8]) -> (first: [UInt8], second: [UInt8]) {
    let cut = bytes.firstIndex(of: 0) ?? bytes.count
    return (Array(bytes[..<cut]), Array(bytes[cut...].dropFirst()))
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// What a target needs and cannot do without.
func made<T>(_ make: () throws -> T) -> T {
    do { return try make() } catch { fatalError("\(error)") }
}
