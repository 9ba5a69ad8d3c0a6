import JSON
import ProtocolMessages
import Settings
import SwiftProtobuf
import Testing

@testable import Ingress

@Suite struct DeliveryReadingTests {
    @Test func `a header with a comma in it is one value`() throws {
        let delivery = Samples.delivery("{}", [("X-Title", "fix a, then b")])
        #expect(try ValueSource.header("X-Title").value(in: delivery, payload: nil) == "fix a, then b")
    }

    @Test func `two event ids are refused, not taken for none`() throws {
        let delivery = Samples.delivery("{}", [("X-Hookdeck-EventID", "e1"), ("X-Hookdeck-EventID", "e2")])
        let hook = try Samples.hook()
        #expect(Rejection.of { try JobIntent(delivery, for: hook) }?.answer.status == .badRequest)
    }

    @Test func `an event id that is no single value is refused, not taken for none`() throws {
        let hook = try Samples.hook("event-id: {payload: /id}")
        for body in [#"{"id": {}}"#, #"{"id": ["e1"]}"#] {
            #expect(Rejection.of { try JobIntent(Samples.delivery(body), for: hook) }?.answer.status == .badRequest, "\(body)")
        }
    }

    @Test func `a fragment is no part of a query`() {
        #expect(RequestTarget.query("/p?a=1#f").map(\.value) == ["1"])
        #expect(RequestTarget.query("/p#f?a=1").isEmpty)
    }

    @Test func `a bad job name hides no other problem`() {
        #expect(problems("job: 'no name', verify: none, respond: later, event-id: {}").count >= 3)
    }

    @Test func `a source has one problem`() {
        #expect(problems("job: deploy, verify: none, parameters: {env: prod}").count == 1)
    }

    @Test func `a header's name and a query's are not empty`() {
        #expect(!problems("job: deploy, verify: none, parameters: {a: {header: ''}}").isEmpty)
        #expect(!problems("job: deploy, verify: none, parameters: {a: {header: 'X Title:'}}").isEmpty)
        #expect(!problems("job: deploy, verify: none, parameters: {a: {query: ''}}").isEmpty)
    }

    private func problems(_ hook: String) -> [String] {
        do throws(SettingsProblems) {
            let file = try SettingsFile(text: "github: {\(hook)}", file: "ingress.yaml")
            for entry in file.root.entries() { _ = HookSettings.hook(entry.name, entry.value) }
            try file.finish()
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func `a duration beyond all sense ends no process`() async {
        await #expect(processExitsWith: .success) {
            _ = JobAnswer.answer(
                .with {
                    $0.status = .succeeded
                    $0.durationMs = .max
                })
        }
    }
}
