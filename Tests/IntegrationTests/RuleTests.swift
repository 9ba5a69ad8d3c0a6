import Foundation
import TestSupport
import Testing

/// Rules, payload forms and parameters of hooks, with the real binaries.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct RuleTests {
    static let bed = Result { try TestBed(jobs: jobs, hooks: hooks) }
    var bed: TestBed { get throws { try Self.bed.get() } }

    static let jobs = """
          show:
            command: [printf, "%s", "{value}"]
            destinations: [web-1]
            parameters: { value: { pattern: "[ -~]*", maximum-length: 4096 } }
            timeout: 10s

        """

    static let hooks = """
          main-only:
            verify: none
            when: { all: [ { header: X-GitHub-Event, equals: push }, { payload: /ref, equals: refs/heads/main } ] }
            payload: [json, form]
            form-field: payload
            job: show
            parameters: { value: { payload: /after, default: nothing } }
          strict:
            verify: none
            when: { not: { query: dry-run, equals: "true" } }
            otherwise: refuse
            job: show
            parameters: { value: { query: v } }
          local:
            verify: none
            when: { source-address: 192.0.2.0/24 }
            otherwise: refuse
            job: show
            parameters: { value: { literal: local } }
          xml:
            verify: none
            payload: xml
            job: show
            parameters: { value: { payload: /build/@id } }
          multipart:
            verify: none
            payload: multipart
            job: show
            parameters: { value: { payload: /note } }
          text:
            verify: none
            payload: text
            job: show
            parameters: { value: { payload: "" } }
        trusted-proxies: [127.0.0.1]

        """

    static let form = "application/x-www-form-urlencoded"

    @Test func `only a delivery that meets the rule runs the command`() throws {
        let push = ["-H", "X-GitHub-Event: push"]
        let ran = try bed.deliver(hook: "main-only", more: push)
        #expect(ran.status == 200)
        #expect(ran["stdout"] == "6113728f27ae82c7b1a177c8d03f9e96e0adf246")
        let before = try bed.jobs(["--limit", "1000"]).count
        for (body, more) in [
            (TestBed.push, []), (TestBed.push, ["-H", "X-GitHub-Event: ping"]), (#"{"ref": "refs/heads/next"}"#, push),
            ("{}", push),
            (TestBed.push, push + push),
        ] {
            let answer = try bed.deliver(body, hook: "main-only", more: more)
            #expect(answer.status == 200)
            #expect(answer.text == #"{"status":"ignored"}"#)
        }
        #expect(try bed.jobs(["--limit", "1000"]).count == before)
        let metrics = try Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(bed.operationsPort)/metrics"]).output
        #expect(metrics.contains(#"sallyport_deliveries_total{hook="main-only",outcome="ignored"} 5"#))
    }

    @Test func `a missing value meets no opposite, and is refused where the hook says so`() throws {
        #expect(try bed.deliver(hook: "strict?v=a&dry-run=false")["stdout"] == "a")
        #expect(try bed.deliver(hook: "strict?v=a&dry-run=true").status == 403)
        #expect(try bed.deliver(hook: "strict?v=a").status == 403)
        #expect(try bed.deliver(hook: "strict?dry-run=false").status == 422)
    }

    @Test func `the address is the one that a trusted proxy adds`() throws {
        func status(_ field: String?) throws -> Int {
            try bed.deliver(hook: "local", more: field.map { ["-H", "X-Forwarded-For: \($0)"] } ?? []).status
        }
        #expect(try status("192.0.2.7") == 200)
        #expect(try status("198.51.100.1, 192.0.2.7") == 200)
        #expect(try status("192.0.2.7, 198.51.100.1") == 403)
        #expect(try status(nil) == 403)
        #expect(try status("192.0.2.7, x") == 403)
    }

    @Test func `a body may be a form, XML, multipart or text, and is refused otherwise`() throws {
        let push = ["-H", "X-GitHub-Event: push"]
        let field = "payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%7D"
        #expect(try bed.deliver(field, hook: "main-only", contentType: Self.form, more: push)["stdout"] == "nothing")
        #expect(try bed.deliver(field, hook: "main-only", contentType: "text/plain", more: push).status == 415)
        #expect(try bed.deliver("payload=%", hook: "main-only", contentType: Self.form, more: push).status == 400)
        #expect(try bed.deliver("<build id='7'/>", hook: "xml", contentType: "application/xml")["stdout"] == "7")
        let laughs = try bed.deliver("<!DOCTYPE a [<!ENTITY b 'c'>]><build id='&b;'/>", hook: "xml", contentType: "text/xml")
        #expect(laughs.status == 400)
        #expect(laughs["detail"] == "the body is not XML: a document type at byte 0")
        let part = "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--b--\r\n"
        #expect(try bed.deliver(part, hook: "multipart", contentType: "multipart/form-data; boundary=b")["stdout"] == "hello")
        #expect(try bed.deliver(part, hook: "multipart", contentType: "multipart/form-data; boundary=c").status == 400)
        #expect(try bed.deliver("a line", hook: "text", contentType: "text/plain")["stdout"] == "a line")
    }

    @Test func `what curl itself makes of a form is read`() throws {
        let answer = try TestBed.parse(
            Command.run(
                "/usr/bin/curl",
                ["-s", "-i", "-F", "note=from curl", "-F", "file=@/bin/true", "http://127.0.0.1:\(bed.httpPort)/hooks/multipart"])
        )
        #expect(answer["stdout"] == "from curl")
    }

    @Test func `check tells the rules in words`() throws {
        let checked = try Command.run(
            try TestBed.binary("sallyport-ingress"), ["check", "--config", try bed.box.appending(path: "ingress.yaml").path])
        #expect(checked.code == 0)
        #expect(
            checked.output.contains(
                """
                  when
                    all of
                      header X-GitHub-Event is "push"
                      payload /ref is "refs/heads/main"
                """))
        #expect(checked.output.contains("  otherwise it is answered 200 ignored"))
        #expect(
            checked.output.contains(
                "  the body must be JSON or a form whose field payload is JSON; another content type is answered 415"))
    }
}
