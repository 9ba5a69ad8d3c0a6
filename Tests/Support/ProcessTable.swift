import Foundation

/// What runs on this machine, from /proc.
public enum ProcessTable {
    /// One process that is not a zombie.
    public struct Entry: Sendable {
        /// Its id.
        public let pid: Int32
        /// Its parent's id.
        public let parent: Int32
        /// Its arguments, joined by spaces.
        public let commandLine: String
    }

    /// All of them.
    public static func all() -> [Entry] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { name in
            guard let pid = Int32(name), let stat = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
                let end = stat.lastIndex(of: ")"), let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
            else { return nil }
            let fields = stat[stat.index(after: end)...].split(separator: " ")
            guard fields.count > 1, fields[0] != "Z", let parent = Int32(fields[1]) else { return nil }
            let arguments = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return Entry(pid: pid, parent: parent, commandLine: arguments.joined(separator: " "))
        }
    }
}
