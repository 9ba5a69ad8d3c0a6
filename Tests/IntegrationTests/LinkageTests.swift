import TestSupport
import Testing

/// What each binary is linked with: who parses SSH has no database, who meets the network has neither.
@Suite struct LinkageTests {
    /// libpq brings libssl with it, which it does not use for a Unix socket.
    #if PostgreSQL
        private static let executorStrangers = ["libssh2"]
    #else
        private static let executorStrangers = ["libssh2", "libssl"]
    #endif

    @Test(arguments: [
        ("sallyport-ingress", ["libssh2", "libsqlite3"]), ("sallyport-executor", Self.executorStrangers),
        ("sallyport-ssh-worker", ["libsqlite3", "libssl"]),
    ])
    func `a binary is linked with nothing that is another's work`(binary: String, strangers: [String]) throws {
        let linked = try Command.run("/usr/bin/ldd", [try TestBed.binary(binary)])
        #expect(linked.code == 0 && linked.output.contains("libcrypto"), "\(linked.errors)")
        for stranger in strangers { #expect(!linked.output.contains(stranger), "\(binary) is linked with \(stranger)") }
    }

    @Test func `each has the library that is its own work`() throws {
        for (binary, own) in [
            ("sallyport-ingress", "libseccomp"), ("sallyport-executor", "libsqlite3"), ("sallyport-ssh-worker", "libssh2"),
        ] {
            #expect(try Command.run("/usr/bin/ldd", [try TestBed.binary(binary)]).output.contains(own), "\(binary)")
        }
    }

    @Test func `only a build with PostgreSQL has its client library, and only in the executor`() throws {
        #if PostgreSQL
            let has = ["sallyport-executor"]
        #else
            let has: [String] = []
        #endif
        for binary in ["sallyport-ingress", "sallyport-executor", "sallyport-ssh-worker", "sallyport"] {
            let linked = try Command.run("/usr/bin/ldd", [try TestBed.binary(binary)])
            #expect(linked.code == 0)
            #expect(linked.output.contains("libpq") == has.contains(binary), "\(binary)")
        }
    }
}
