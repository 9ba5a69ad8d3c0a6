import Testing

@testable import Executor

@Suite struct JobWordsTests {
    private func job(_ command: String, _ more: String = "parameters: {x: {pattern: '[-a-z]+'}}") throws -> JobPolicy {
        try Samples.job("command: \(command), destinations: [web-1], timeout: 2m, \(more)")
    }

    @Test func `a job is told in words, with everything a caller can bring about`() throws {
        let job = try job(
            "[/bin/a, '--to={x}']",
            """
            parameters: {x: {pattern: '[a-z]+', default: main}, y: {type: integer, minimum: 1, maximum: 9}}, concurrency: 1,
            environment: {Y: '{y}'}, retry: {attempts: 3, exit-codes: [75]}, deadline: 10m, lane: '{x}', rate: {jobs: 5, per: 1m},
            ingresses: [inner], stdin: body
            """)
        #expect(
            job.words.split(separator: "\n").map { $0.drop { $0 == " " } } == [
                "job deploy: runs /bin/a --to={x} with Y={y}", "on web-1",
                "x comes from the caller: matching [a-z]+, at most 256 bytes, \"main\" when it is left out",
                "y comes from the caller: a whole number from 1 to 9, at most 256 bytes",
                "reads the delivery's body on standard input",
                "at most 2m each time, 1 at once, 10m in all, one after the other for each {x}, 64 of which may wait, 5 per 1m, 5 in a row",
                "up to 3 attempts when it did not start or ended with 75; unknown when it was cut off", "only for inner",
            ])
        #expect(job.warnings.isEmpty)
    }

    @Test(arguments: [
        ("[/bin/a, '{x}']", true), ("[/bin/a, --, '{x}']", false), ("[/bin/a, '--x={x}']", false), ("[/bin/a, '{x}', --]", true),
        ("[/bin/a, -x, '{x}']", true),
    ])
    func `a value that could be an option is warned of`(command: String, isWarned: Bool) throws {
        #expect(try job(command).warnings.contains { $0.contains("would be an option") } == isWarned)
        #expect(try job(command, "parameters: {x: {pattern: '[a-z]+'}}").warnings.isEmpty)
        #expect(try job(command, "parameters: {x: {type: path, root: /srv}}").warnings.isEmpty)
    }

    @Test(arguments: [
        ("[sh, -c, 'deploy {x}']", true), ("[/bin/bash, -ec, 'deploy {x}']", true), ("[sudo, -u, web, sh, -c, 'a {x}']", true),
        ("[env, A=b, python3, -c, 'print({x})']", true), ("[sh, -c, 'deploy \"$1\"', deploy, 'a{x}']", false),
        ("[sh, -c, deploy]", false), ("[/bin/deploy, -c, 'a{x}']", false), ("[sh, script, 'a{x}']", false),
    ])
    func `a place in the text of a shell is warned of`(command: String, isWarned: Bool) throws {
        let more = command.contains("{x}") ? "parameters: {x: {pattern: '[a-z]+'}}" : "grace: 1s"
        #expect(try job(command, more).warnings.contains { $0.contains("is code there") } == isWarned)
    }

    @Test(arguments: [
        (".*", true), (".+", true), ("a.*b", true), ("(a|.)+", true), ("[^/]+", true), ("a|b.+", true), ("[a-z]+", false),
        ("a.b", false), ("\\\\.*", false), ("[^ ]+", false), (".{1,3}", false),
    ])
    func `a pattern that allows almost anything is warned of`(pattern: String, isWarned: Bool) throws {
        let job = try job("[/bin/a, '--x={x}']", "parameters: {x: {pattern: \"\(pattern)\"}}")
        #expect(job.warnings.contains { $0.contains("allows almost anything") } == isWarned)
    }

    @Test func `a variable that decides which code runs is warned of`() throws {
        let warnings = try job("[/bin/a]", "environment: {PATH: /opt/bin, APP: x, LD_PRELOAD: /lib/x.so}").warnings
        #expect(warnings == ["LD_PRELOAD", "PATH"].map { "the environment sets \($0), which decides which code runs" })
    }
}
