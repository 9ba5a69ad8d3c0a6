internal import CLinux
internal import Glibc

/// Raw system calls, as an attacker in the process would make them. Arguments that are pointers stay allocated: the process ends soon.
enum SystemCall {
    /// O_PATH and AT_EMPTY_PATH (linux/fcntl.h).
    static let (openPath, emptyPath) = (0x20_0000, 0x1000)

    /// The number of a call; nil where the machine has none of the name.
    static func number(_ name: String) -> Int? { SystemCallFilter.Architecture.native?.number(of: name).map(Int.init) }

    /// Makes the call. Its result, or -errno.
    static func make(_ name: String, _ arguments: Int...) -> Int {
        guard let number = number(name) else { return Int(-ENOSYS) }
        return unsafe sallyport_system_call(number, six(arguments))
    }

    /// Six arguments, the rest zero.
    static func six(_ arguments: [Int]) -> [Int] { arguments + [Int](repeating: 0, count: 6 - arguments.count) }

    /// Where a text stands.
    static func text(_ text: String) -> Int { unsafe Int(bitPattern: strdup(text)) }

    /// Where `count` bytes stand, all zero.
    static func bytes(_ count: Int) -> Int { unsafe Int(bitPattern: calloc(1, count)) }

    /// Where these bytes stand.
    static func bytes(_ bytes: [UInt8]) -> Int {
        let place = Self.bytes(max(1, bytes.count))
        unsafe UnsafeMutableRawPointer(bitPattern: place)?.copyMemory(from: bytes, byteCount: bytes.count)
        return place
    }

    /// Where these words stand, as in an argument vector or an iovec.
    static func words(_ words: [Int]) -> Int {
        let place = bytes(words.count * MemoryLayout<Int>.size)
        unsafe UnsafeMutablePointer<Int>(bitPattern: place)?.update(from: words, count: words.count)
        return place
    }
}
