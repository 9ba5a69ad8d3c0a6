internal import CLinux
internal import Glibc
internal import ProtocolMessages

/// Looks names of hosts up on threads of its own, so that a name server that does not answer holds nobody else up.
///
/// All threads are there from the start: a sealed worker makes none. A name is looked up once at a time, whoever asks for it.
@safe final class NameLookup {
    /// Names that are looked up at once. glibc gives one up after half a minute or so, for every name server it has.
    static let threads = 8
    /// Names that are looked up or wait for it.
    static let maximumNames = 256
    /// Addresses of a name that are tried.
    static let maximumAddresses = Int(SALLYPORT_LOOKUP_ADDRESSES)
    /// The longest name (RFC 1035 section 2.3.4).
    static let maximumLength = 255

    /// What a connection waits for.
    final class Question {
        let name: String
        /// Addresses in the order in which they are to be tried, or why there is none.
        fileprivate(set) var answer: Result<[sallyport_address], SSHFailure>?

        fileprivate init(_ name: String) { self.name = name }
    }

    private let lookups: OpaquePointer
    private let maximum: Int
    private var isStarted = false
    private var nextID: UInt64 = 0
    /// Who waits for each name.
    private var asked: [String: (id: UInt64, questions: [Question])] = [:]
    private var names: [UInt64: String] = [:]

    /// Takes questions; they are answered from ``start(threads:)`` on.
    ///
    /// - Throws: ``WorkerFailure`` when there is no memory or no descriptor for it.
    init(maximum: Int = NameLookup.maximumNames, function: sallyport_lookup_function = unsafe sallyport_tcp_addresses)
        throws(WorkerFailure)
    {
        guard let lookups = unsafe sallyport_lookups_make(maximum, function) else {
            throw WorkerFailure("name lookups cannot be prepared: error \(errno)")
        }
        unsafe self.lookups = unsafe lookups
        self.maximum = maximum
    }

    /// Starts the threads, once.
    ///
    /// - Throws: ``WorkerFailure`` when the machine does not have them.
    func start(threads: Int = NameLookup.threads) throws(WorkerFailure) {
        guard !isStarted else { return }
        isStarted = true
        let result = unsafe sallyport_lookups_start(lookups, threads)
        guard result == 0 else { throw WorkerFailure("cannot start \(threads) threads that look names up: error \(-result)") }
    }

    deinit { unsafe sallyport_lookups_stop(lookups) }

    /// Readable when there are answers to ``collect()``.
    var descriptor: Int32 { unsafe sallyport_lookups_descriptor(lookups) }

    /// The addresses that `host` is itself, for which nobody is asked; nil for a name.
    static func numeric(_ host: String) -> [sallyport_address]? { try? addresses(host, isNumeric: true).get() }

    /// Looks up here and now, however long it takes.
    static func addresses(_ host: String, isNumeric: Bool = false) -> Result<[sallyport_address], SSHFailure> {
        var result: Int32 = 0
        let addresses = unsafe [sallyport_address](unsafeUninitializedCapacity: maximumAddresses) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            unsafe result = sallyport_tcp_addresses(host, isNumeric ? 1 : 0, start, buffer.count)
            count = Int(max(0, result))
        }
        return addresses.isEmpty ? .failure(failure(result)) : .success(addresses)
    }

    /// Asks for a name's addresses.
    ///
    /// - Throws: ``SSHFailure`` when too many names wait already.
    func ask(_ name: String) throws(SSHFailure) -> Question {
        let question = Question(name)
        if asked[name] == nil {
            nextID += 1
            let result = unsafe sallyport_lookups_ask(lookups, nextID, name)
            guard result != -EINVAL else {
                throw SSHFailure(.unreachable, "a name has at most \(Self.maximumLength) bytes")
            }
            guard result == 0 else {
                throw SSHFailure(.busy, "\(maximum) names wait to be looked up already; \(Self.advice)")
            }
            asked[name] = (nextID, [])
            names[nextID] = name
        }
        asked[name]?.questions.append(question)
        return question
    }

    /// Hands out the answers that have come.
    func collect() {
        var answer = sallyport_lookup_answer()
        while unsafe sallyport_lookups_take(lookups, &answer) == 1 {
            guard let name = names.removeValue(forKey: answer.id), let entry = asked.removeValue(forKey: name) else { continue }
            let result: Result<[sallyport_address], SSHFailure> =
                answer.result > 0
                ? .success(
                    unsafe withUnsafeBytes(of: answer.addresses) {
                        unsafe Array($0.bindMemory(to: sallyport_address.self).prefix(Int(answer.result)))
                    })
                : .failure(Self.failure(answer.result))
            for question in entry.questions { question.answer = result }
        }
    }

    /// Nobody waits for this answer any more. One that is being looked up stays known, so that its name holds no second thread up.
    func leave(_ question: Question) {
        guard let entry = asked[question.name] else { return }
        asked[question.name]?.questions.removeAll { $0 === question }
        guard asked[question.name]?.questions.isEmpty == true, isWaiting(question) else { return }
        unsafe sallyport_lookups_forget(lookups, entry.id)
        asked[question.name] = nil
        names[entry.id] = nil
    }

    /// Why an answer did not come in time.
    func delay(of question: Question) -> String {
        guard isWaiting(question) else { return "no name server has answered in time; \(Self.advice)" }
        let others = names.values.filter { $0 != question.name && !isWaiting($0) }.sorted()
        return
            "all lookups are held up by other names (\(others.prefix(3).joined(separator: ", "))\(others.count > 3 ? ", …" : "")); "
            + Self.advice
    }

    private static let advice = "look at the name servers in /etc/resolv.conf, or give the host by its address"

    private func isWaiting(_ question: Question) -> Bool { isWaiting(question.name) }

    private func isWaiting(_ name: String) -> Bool {
        guard let id = asked[name]?.id else { return false }
        return unsafe sallyport_lookups_is_waiting(lookups, id) == 1
    }

    private static func failure(_ code: Int32) -> SSHFailure {
        let text = unsafe String(cString: sallyport_tcp_lookup_text(code))
        return SSHFailure(.unreachable, "the name does not resolve: \(text)")
    }
}
