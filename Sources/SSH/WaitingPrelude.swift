internal import Authentication

/// A prelude that was started on a channel and waits for its one command. Pure of input and output: it is driven by its connection.
final class WaitingPrelude {
    /// How long the host may take from the request to the prelude's `ready`, in milliseconds.
    static let limit = 15_000

    let nonce = Hex.encode(Random.bytes(16))
    /// The scanners of both streams go on with the command.
    private(set) var scanners: [MarkScanner]
    /// The process group that the command will have; nil until the prelude is ready.
    private(set) var processGroup: UInt32?
    /// What the host lacks.
    private(set) var unsuitable: String?
    /// It has said its end: the channel's own comes after it, and no command may be sent any more.
    private(set) var isOver = false
    private var input: ArraySlice<UInt8>

    init() {
        scanners = [MarkScanner(nonce: Array(nonce.utf8)), MarkScanner(nonce: Array(nonce.utf8))]
        input = Prelude.firstLine(nonce: nonce)[...]
    }

    /// Control input that is still to be written.
    var unsent: ArraySlice<UInt8> { input }
    func wrote(_ count: Int) { input = input.dropFirst(count) }

    /// Takes bytes of a stream.
    func received(_ bytes: [UInt8], stderr: Bool) {
        for mark in scanners[stderr ? 1 : 0].scan(bytes[...], output: { _ in }) {
            switch mark {
            case .ready(let group): if processGroup == nil { processGroup = group }
            case .unsuitable(let what): unsuitable = what
            case .exit: isOver = true
            case .begin, .timeout, .cancel, .inUnit, .held, .ended: break
            }
        }
    }

    /// Why it cannot become ready, after the host has ended the channel or said what it lacks.
    func failure(host: String, user: String) -> String {
        if let unsuitable {
            return "host \(host) has no `\(SSHFailure.printable(unsuitable))` on its PATH; install coreutils there"
        }
        let words = SSHFailure.printable(String(decoding: scanners.map(\.preamble).joined(), as: UTF8.self))
        let said = words.isEmpty ? "" : ": it says \(words.debugDescription)"
        return "the login shell of \(user) on \(host) does not run commands\(said)"
    }
}
