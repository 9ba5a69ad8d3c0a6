internal import Authentication

/// Ends a process group from a second channel and says whether it is gone.
final class GroupKill {
    /// How long the answer may take, in milliseconds.
    static let limit = 8_000

    let run: LeaseRun
    let processGroup: UInt32
    let deadline: Int
    private let nonce = Hex.encode(Random.bytes(16))
    private var text: [UInt8] = []
    private var input: ArraySlice<UInt8>

    init(_ run: LeaseRun, processGroup: UInt32, now: Int) {
        self.run = run
        self.processGroup = processGroup
        deadline = now + Self.limit
        input = Array("\(nonce)\n".utf8)[...]
    }

    var commandLine: String { Prelude.killLine(processGroup: processGroup) }
    var unsent: ArraySlice<UInt8> { input }
    func wrote(_ count: Int) { input = input.dropFirst(count) }

    /// Takes output; the verdict once it is there.
    func received(_ bytes: [UInt8]) -> Bool? {
        text = (text + bytes).suffix(1024)
        let said = String(decoding: text, as: UTF8.self)
        if said.contains("\(nonce) gone") { return true }
        return said.contains("\(nonce) alive") ? false : nil
    }
}
