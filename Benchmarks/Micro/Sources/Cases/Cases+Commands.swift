import JSON
import JobProtocol
import Settings

extension Case {
    static let documents = [
        Case("json: parse a 7 KiB push", counted: 20) {
            { use(try JSONValue.parse(Samples.push)) }
        },
        Case("json: four pointers into it", counted: 1000) {
            let document = try JSONValue.parse(Samples.push)
            let pointers = try ["/ref", "/after", "/repository/full_name", "/commits/0/author/email"].map { try JSONPointer($0) }
            return {
                for pointer in pointers {
                    guard let value = pointer.value(in: document) else { throw Unexpected("nothing at the pointer") }
                    use(value)
                }
            }
        },
    ]

    /// From the request to what the host's shell reads.
    static let commands = [
        Case("policy: two parameters become a command", counted: 200) {
            let (policy, request) = (Policy(jobs: ["deploy": try job()], digest: ""), Samples.request())
            return { use(try policy.plan(request, from: "edge", now: Samples.now)) }
        },
        Case("prelude: quote a command for the host's shell", counted: 200) {
            let arguments = ["/usr/local/bin/deploy", "--repository=example/shop", "it's; $(not) a|command\n%", Samples.commit]
            return {
                use(
                    try Prelude.command(
                        processGroup: 4242, arguments: arguments, environment: ["LANG=C.UTF-8"], deadline: 60_000, grace: 5000,
                        body: nil))
            }
        },
        Case("known_hosts: one of 100 hosts", counted: 30) {
            let hosts = try knownHosts { "web-\($0).example,10.0.0.\($0)" }
            return { try find(in: hosts) }
        },
        Case("known_hosts: one of 100 hashed hosts", counted: 1) {
            let hosts = try knownHosts { hashed("web-\($0).example") }
            return { try find(in: hosts) }
        },
    ]

    private static func job() throws -> JobPolicy {
        func parameter(_ pattern: String) throws -> JobPolicy.Parameter {
            .init(type: .pattern(try AnchoredPattern(pattern)), fallback: nil, maximumLength: 256)
        }
        return JobPolicy(
            name: "deploy",
            command: try ["/usr/local/bin/deploy", "--repository={repository}", "{commit}"].map { try ArgumentTemplate($0) },
            destinations: ["web-1"], callerChooses: false, identities: [],
            parameters: ["repository": try parameter("[a-z0-9-]+/[a-z0-9-]+"), "commit": try parameter("[0-9a-f]{40}")],
            environment: ["LANG": try ArgumentTemplate("C.UTF-8")], standardInput: .none, timeout: .seconds(60),
            grace: .seconds(5), deadline: nil, concurrency: 8, destinationConcurrency: nil, lane: nil, rate: nil,
            successCodes: [0], stdoutLimit: 65536, stderrLimit: 65536, retry: .none, interrupted: .unknown, token: nil,
            ingresses: [])
    }
}
