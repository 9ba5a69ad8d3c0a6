import Foundation

/// What the hosts wrote down: of each delivery what began, failed and came to its end, in the order in which it did.
struct SoakHostRecord {
    struct Line {
        enum Word: String { case begin, fail, end }

        let word: Word
        let id: String
        let host: String
    }

    /// How often something of one delivery happened on one host.
    struct Counts {
        var begun = 0
        var failed = 0
        var ended = 0
    }

    /// As the hosts call themselves, by their names in the settings.
    private static let hosts = ["right": "web-1", "second": "web-2"]

    private(set) var lines: [Line] = []
    /// By delivery and host.
    private var counts: [String: [String: Counts]] = [:]
    /// Lines that another host wrote than one whose key is pinned.
    private(set) var foreign: [String] = []

    init(_ file: String) throws {
        for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 3, let word = Line.Word(rawValue: words[0]), let host = Self.hosts[words[2]] else {
                foreign.append(String(line))
                if words.count > 1 { counts[words[1], default: [:]]["another host", default: Counts()].begun += 1 }
                continue
            }
            lines.append(Line(word: word, id: words[1], host: host))
            var count = counts[words[1], default: [:]][host, default: Counts()]
            switch word {
            case .begin: count.begun += 1
            case .fail: count.failed += 1
            case .end: count.ended += 1
            }
            counts[words[1], default: [:]][host] = count
        }
    }

    var ids: Set<String> { Set(counts.keys) }

    func counts(_ id: String, on host: String) -> Counts { counts[id]?[host] ?? Counts() }

    /// How often it began, on all hosts.
    func begun(_ id: String) -> Int { counts[id]?.values.reduce(0) { $0 + $1.begun } ?? 0 }

    func lines(of id: String) -> [Line] { lines.filter { $0.id == id } }
}

/// What is promised of a lane: one at a time, in the order in which they came.
struct SoakLane {
    /// A delivery that went into it.
    struct Delivery {
        /// When it was sent first.
        let sentAt: Double
        /// When its sender could first rely on it; nil when it never could.
        let acceptedAt: Double?
        /// It ran as one job.
        let isSingle: Bool
        /// It may have left the lane before its command was over, or given up before the last failure: cut off, or ended by an operator.
        let mayOverlap: Bool
        /// After so many failures it gave the lane up.
        let attempts: Int
    }

    /// What goes against that in `lines` of one lane, in words.
    static func violations(_ lines: [SoakHostRecord.Line], _ deliveries: [String: Delivery]) -> [String] {
        var wrong: [String] = []
        var inside: String?
        var failures: [String: Int] = [:]
        var begun: Set<String> = []
        var latest: (id: String, sentAt: Double)?
        for line in lines {
            let delivery = deliveries[line.id]
            switch line.word {
            case .begin:
                if let other = inside, other != line.id, deliveries[other]?.mayOverlap == false {
                    wrong.append("\(line.id) began before \(other) was over")
                }
                inside = line.id
                guard let delivery, delivery.isSingle, begun.insert(line.id).inserted else { break }
                if let latest, let accepted = delivery.acceptedAt, accepted < latest.sentAt {
                    wrong.append("\(latest.id) overtook \(line.id)")
                }
                if delivery.sentAt > latest?.sentAt ?? 0 { latest = (line.id, delivery.sentAt) }
            case .fail:
                failures[line.id, default: 0] += 1
                if inside == line.id, failures[line.id, default: 0] >= delivery?.attempts ?? 0 { inside = nil }
            case .end: if inside == line.id { inside = nil }
            }
        }
        return wrong
    }
}
