/// An operator's pattern for a whole value: a POSIX extended regular expression (POSIX.1-2017, XBD 9.4) without back-references.
///
/// Time is at most value length × ``maximumSteps`` and memory is fixed, whatever a sender puts into the value: the automaton is run
/// (Thompson's simulation), never searched. glibc's regexec is not used because it keeps every state that a value made it build:
/// 55 MB for one value of 4 KiB, measured.
///
/// The pattern is anchored at both ends by itself and is read on its own, so no parenthesis in it can escape from the anchors.
/// Matching is by bytes; `.` and `[^…]` take any byte but NUL, a newline too. A value with a NUL byte never matches. The length of
/// values is the caller's to limit.
public final class AnchoredPattern: Sendable {
    /// Bytes a pattern may have.
    public static let maximumLength = 1024
    /// Largest number in `{…}`.
    public static let maximumRepeat = 1000
    /// Steps of the automaton, after repeats are multiplied out: the factor that the time for each byte of a value may reach.
    public static let maximumSteps = 2048
    /// Groups inside one another.
    public static let maximumDepth = 32

    /// The pattern as it was written.
    public let text: String
    /// Somewhere it takes any number of bytes among which are white space, line ends and `;`, as `.*` does.
    public let repeatsAlmostAnything: Bool
    private let steps: [PatternStep]

    /// - Throws: ``PatternError`` saying what is wrong or too much.
    public init(_ text: String) throws(PatternError) {
        var parser = PatternParser(text)
        var program = PatternProgram()
        let tree = try parser.parse()
        program.emit(tree)
        self.text = text
        repeatsAlmostAnything = tree.repeatsAlmostAnything
        steps = program.steps
    }

    /// Steps of the automaton: the time for each byte of a value goes with them.
    public var stepCount: Int { steps.count }

    /// The whole of `value` matches.
    public func matches(_ value: String) -> Bool {
        var run = Run(steps)
        for byte in value.utf8 where !run.advance(byte) { return false }
        return run.isAtEnd
    }

    /// A value that begins with this byte may match.
    public func admits(first byte: UInt8) -> Bool {
        var run = Run(steps)
        return run.advance(byte)
    }

    /// All states that the automaton is in at once, after each byte.
    private struct Run {
        private let steps: [PatternStep]
        private var states: [Int] = []
        private var next: [Int] = []
        private var pending: [Int] = []
        /// At which byte a step was last entered, so that each is entered once a byte and empty loops end.
        private var entered: [Int]
        private var position = 0

        init(_ steps: [PatternStep]) {
            self.steps = steps
            entered = [Int](repeating: -1, count: steps.count + 1)
            enter(0)
            swap(&states, &next)
        }

        /// The step behind the last one is the end.
        var isAtEnd: Bool { states.contains(steps.count) }

        /// - Returns: false when no value that begins so can match.
        mutating func advance(_ byte: UInt8) -> Bool {
            position += 1
            next.removeAll(keepingCapacity: true)
            for state in states where state < steps.count {
                if case .take(let set) = steps[state], set.contains(byte) { enter(state + 1) }
            }
            swap(&states, &next)
            return !states.isEmpty
        }

        private mutating func enter(_ first: Int) {
            pending.append(first)
            while let step = pending.popLast() {
                guard entered[step] != position else { continue }
                entered[step] = position
                guard step < steps.count else {
                    next.append(step)
                    continue
                }
                switch steps[step] {
                case .take: next.append(step)
                case .either(let other):
                    pending.append(other)
                    pending.append(step + 1)
                case .jump(let target): pending.append(target)
                }
            }
        }
    }
}

/// What is wrong with a pattern.
public struct PatternError: Error, CustomStringConvertible {
    /// For people.
    public let description: String
    init(_ description: String) { self.description = description }
}
