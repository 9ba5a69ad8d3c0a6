/// A path that stays below a folder of the host, as far as its text says: whether a component is a symbolic link only the host knows.
struct PathRule: Sendable {
    /// Absolute, in its shortest form, not `/`.
    let root: String

    /// - Throws: ``ParameterError`` when `root` is not absolute, is `/` or has `.` or `..` in it.
    init(root: String) throws(ParameterError) {
        guard root.utf8.first == UInt8(ascii: "/") else { throw ParameterError("the root must begin with /") }
        let components = try Self.components(root)
        guard !components.isEmpty else { throw ParameterError("below / is everything; name a folder") }
        self.root = "/" + components.joined(separator: "/")
    }

    /// The absolute path in its shortest form. The value is a path from the root on, or an absolute one below the root.
    ///
    /// - Throws: ``ParameterError`` for `..`, control characters, an absolute path elsewhere, and the root itself.
    func accepted(_ value: String) throws(ParameterError) -> String {
        let components = try Self.components(value)
        guard value.utf8.first == UInt8(ascii: "/") else {
            guard !components.isEmpty else { throw ParameterError("names nothing below \(root)") }
            return root + "/" + components.joined(separator: "/")
        }
        let above = root.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
        guard components.count > above.count, zip(above, components).allSatisfy({ $0.utf8.elementsEqual($1.utf8) }) else {
            throw ParameterError("is not below \(root)")
        }
        return "/" + components.joined(separator: "/")
    }

    /// By bytes: neither a composed character nor another form of `/` makes a difference.
    private static func components(_ text: String) throws(ParameterError) -> [String] {
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { throw ParameterError("has a control character in it") }
        let components = text.utf8.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
        guard !components.contains(where: { $0.elementsEqual("..".utf8) }) else { throw ParameterError("has `..` in it") }
        return components.map { String(decoding: $0, as: UTF8.self) }
    }
}
