/// One step of a pattern's automaton.
enum PatternStep: Sendable {
    /// Takes one byte of the set, then goes to the next step.
    case take(ByteSet)
    /// Goes to the next step and to another one, without taking a byte.
    case either(Int)
    /// Goes to another step, without taking a byte.
    case jump(Int)
}

/// A set of bytes.
struct ByteSet: Sendable, Equatable {
    private var low: UInt128 = 0
    private var high: UInt128 = 0

    init() {}
    init(_ bytes: some Sequence<UInt8>) { for byte in bytes { insert(byte) } }

    mutating func insert(_ byte: UInt8) {
        if byte < 128 { low |= 1 << UInt128(byte) } else { high |= 1 << UInt128(byte - 128) }
    }

    mutating func formUnion(_ other: ByteSet) {
        low |= other.low
        high |= other.high
    }

    func contains(_ byte: UInt8) -> Bool {
        (byte < 128 ? low >> UInt128(byte) : high >> UInt128(byte - 128)) & 1 == 1
    }

    /// Every byte that is not in the set, but for NUL, which never matches.
    var inverted: ByteSet {
        var result = self
        result.low = ~low & ~1
        result.high = ~high
        return result
    }

    /// Any byte but NUL.
    static let any = ByteSet().inverted
}

/// What a pattern says, with the steps it takes once repeats are multiplied out.
struct PatternTree {
    indirect enum Form {
        case set(ByteSet)
        case sequence([PatternTree])
        case alternatives([PatternTree])
        /// No maximum means any number.
        case repeated(PatternTree, minimum: Int, maximum: Int?)
    }

    let form: Form
    let size: Int

    /// See ``AnchoredPattern/repeatsAlmostAnything``.
    var repeatsAlmostAnything: Bool {
        switch form {
        case .set: false
        case .sequence(let parts), .alternatives(let parts): parts.contains(where: \.repeatsAlmostAnything)
        case .repeated(let part, _, let maximum):
            part.repeatsAlmostAnything || maximum == nil && part.takesAlmostAnything
        }
    }

    /// One byte of almost any kind may stand here.
    private var takesAlmostAnything: Bool {
        switch form {
        case .set(let set): "\n ;".utf8.allSatisfy(set.contains)
        case .sequence(let parts): parts.count == 1 && parts[0].takesAlmostAnything
        case .alternatives(let parts): parts.contains(where: \.takesAlmostAnything)
        case .repeated(let part, _, _): part.takesAlmostAnything
        }
    }

    /// - Throws: ``PatternError`` when it takes more than ``AnchoredPattern/maximumSteps``.
    init(_ form: Form) throws(PatternError) {
        self.form = form
        switch form {
        case .set: size = 1
        case .sequence(let parts): size = parts.reduce(0) { $0 + $1.size }
        case .alternatives(let parts): size = parts.reduce(0) { $0 + $1.size } + 2 * (parts.count - 1)
        case .repeated(let part, let minimum, let maximum):
            // At least one, so that repeats of nothing inside one another count too.
            size = max(1, maximum.map { part.size * $0 + ($0 - minimum) } ?? part.size * (minimum + 1) + 2)
        }
        guard size <= AnchoredPattern.maximumSteps else {
            throw PatternError(
                "the pattern is too large: with its repeats multiplied out it has more than \(AnchoredPattern.maximumSteps) steps"
            )
        }
    }
}

/// The steps of a pattern; behind the last one is the end.
struct PatternProgram {
    private(set) var steps: [PatternStep] = []

    /// Appends the steps of `tree`.
    mutating func emit(_ tree: PatternTree) {
        switch tree.form {
        case .set(let set): steps.append(.take(set))
        case .sequence(let parts): for part in parts { emit(part) }
        case .alternatives(let parts): emit(alternatives: parts)
        case .repeated(let part, let minimum, let maximum):
            for _ in 0..<minimum { emit(part) }
            if let maximum { emit(part, upTo: maximum - minimum) } else { emitLoop(part) }
        }
    }

    private mutating func emit(alternatives parts: [PatternTree]) {
        var ends: [Int] = []
        for part in parts.dropLast() {
            let fork = reserve()
            emit(part)
            ends.append(reserve())
            steps[fork] = .either(steps.count)
        }
        if let last = parts.last { emit(last) }
        for end in ends { steps[end] = .jump(steps.count) }
    }

    private mutating func emit(_ part: PatternTree, upTo count: Int) {
        var forks: [Int] = []
        for _ in 0..<count {
            forks.append(reserve())
            emit(part)
        }
        for fork in forks { steps[fork] = .either(steps.count) }
    }

    private mutating func emitLoop(_ part: PatternTree) {
        let fork = reserve()
        emit(part)
        steps.append(.jump(fork))
        steps[fork] = .either(steps.count)
    }

    private mutating func reserve() -> Int {
        steps.append(.jump(steps.count))
        return steps.count - 1
    }
}
