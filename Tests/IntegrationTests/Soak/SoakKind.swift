import Foundation
import TestSupport

/// A kind of delivery: a hook, its job of the same name, and what is promised of it.
struct SoakKind: Sendable {
    let name: String
    /// What the hook says besides.
    let hook: String
    /// What the job says besides.
    let job: String
    /// What its command does between its two lines.
    var command = ""
    /// Its hosts, by their names in the settings.
    var hosts = ["web-1"]
    var isSequence = false
    /// An attempt that ended may be followed by another.
    var hasRetries = false
    /// Also one that was cut off.
    var isRepeatable = false
    var hasLane = false
    /// Its command comes to no end of its own within its time.
    var isEndless = false
    /// Deliveries carry a token, some of them one that is not good.
    var hasToken = false
    /// Senders ask after the job with `GET /jobs/{id}` when they were told 202.
    var isAskedAfter = false
    /// The output must be whole at both ends.
    var hasOutput = false

    /// Some runs end with an exit code that asks for another attempt.
    private static let fails = #"if test $(($$ % 5)) = 0; then echo "fail $1 $SOAK_HOST" >> FILE; exit 75; fi; "#
    private static let issuer = "issuer: sallyport-init, audience: sallyport, keys: { file: token-keys.json }"

    /// Those that senders send; a name that comes twice is sent twice as often.
    static let sent: [SoakKind] = [
        once, later, stored, again, lane, once, later, stored, again, lane, both, row, token, large, slow,
    ]
    static let all = [once, later, stored, again, lane, both, row, token, large, slow, held]

    static let once = SoakKind(name: "once", hook: "respond: sync\n    wait: 5s", job: "interrupted: unknown")
    static let later = SoakKind(name: "later", hook: "respond: async", job: "interrupted: unknown", isAskedAfter: true)
    static let stored = SoakKind(
        name: "stored", hook: "respond: async\n    wait: 2s\n    when-executor-away: spool", job: "interrupted: unknown")
    static let again = SoakKind(
        name: "again", hook: "respond: sync\n    wait: 8s",
        job: "interrupted: retry\n    retry: { attempts: 5, backoff: 200ms, max-backoff: 1s, exit-codes: [75] }", command: fails,
        hasRetries: true, isRepeatable: true)
    static let lane = SoakKind(
        name: "lane", hook: "respond: async",
        job:
            "interrupted: unknown\n    lane: \"{lane}\"\n    retry: { attempts: 5, backoff: 50ms, max-backoff: 400ms, exit-codes: [75] }",
        command: fails, hasRetries: true, hasLane: true, isAskedAfter: true)
    static let both = SoakKind(
        name: "both", hook: "respond: sync\n    wait: 5s", job: "interrupted: unknown", hosts: ["web-1", "web-2"])
    static let row = SoakKind(
        name: "row", hook: "respond: sync\n    wait: 5s", job: "order: sequence\n    interrupted: unknown",
        hosts: ["web-1", "web-2"], isSequence: true)
    static let token = SoakKind(
        name: "token", hook: "respond: sync\n    wait: 5s\n    token: { header: X-Own, forward: true, \(issuer) }",
        job: "interrupted: unknown\n    token: { \(issuer) }", hasToken: true)
    static let large = SoakKind(
        name: "large", hook: "respond: sync\n    wait: 8s", job: "interrupted: unknown",
        command: #"echo "out $1"; head -c 3000000 /dev/zero | tr "\0" x; echo; echo "out $1 end"; "#, hasOutput: true)
    static let slow = SoakKind(
        name: "slow", hook: "respond: sync\n    wait: 5s", job: "interrupted: unknown\n    grace: 100ms", command: "sleep 8; ",
        isEndless: true)
    /// Sent by the operator, who cancels it.
    static let held = SoakKind(
        name: "held", hook: "respond: async", job: "interrupted: unknown\n    grace: 100ms", command: "sleep 12; ",
        isEndless: true)

    /// The executor's settings for all of them. Each command writes to `file` that it begins, where, and that it comes to its end.
    static func jobs(writingTo file: String) -> String {
        all.map { kind in
            let parameters = #"id: { pattern: "[a-z0-9-]+" }"# + (kind.hasLane ? ", lane: { type: choice, values: [a, b] }" : "")
            let timeout = kind.name == "slow" ? "1s" : kind.isEndless ? "6s" : "30s"
            let command = kind.command.replacing("FILE", with: file)
            return """
                  \(kind.name):
                    command: [sh, -c, 'echo "begin $1 $SOAK_HOST" >> \(file); sleep "0.0$(($$ % 10))"; \
                \(command)echo "end $1 $SOAK_HOST" >> \(file)', sh, "{id}"]
                    destinations: [\(kind.hosts.joined(separator: ", "))]
                    parameters: { \(parameters) }
                    timeout: \(timeout)
                    \(kind.job)

                """
        }.joined()
    }

    /// The ingress's settings for all of them, and for who asks after jobs.
    static let hooks =
        all.map { kind in
            let parameters = "id: { payload: /id }" + (kind.hasLane ? ", lane: { payload: /lane }" : "")
            return DeliveryTests.hook(kind.name, "\(kind.hook)\n    parameters: { \(parameters) }")
        }.joined() + "jobs:\n  token: { \(issuer) }\n"
}

/// What there is to say of a delivery by its id alone, so that it is the same each time it is sent.
struct SoakDelivery {
    let id: String
    let kind: SoakKind

    /// Of one in eight the token is not good.
    var isForged: Bool { kind.hasToken && number % 8 == 0 }
    var lane: String { number % 2 == 0 ? "a" : "b" }
    var body: String { #"{"id":"\#(id)","lane":"\#(lane)"}"# }
    private var number: Int { Int(id.split(separator: "-").last ?? "") ?? 0 }

    func headers(attempt: Int, token: String) -> [String] {
        var headers = ["X-Hookdeck-EventID: evt_\(id)", "X-Hookdeck-Attempt-Count: \(attempt)"]
        if kind.hasToken { headers.append("X-Own: \(isForged ? Self.forged(token) : token)") }
        return headers
    }

    /// With a signature of something else.
    private static func forged(_ token: String) -> String {
        var parts = token.split(separator: ".").map(String.init)
        parts[2] = String(parts[2].reversed())
        return parts.joined(separator: ".")
    }
}
