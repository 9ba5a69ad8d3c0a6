import Glibc
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import Testing

@testable import Executor

@Suite struct HostileRequestTests {
    @Test func `a life too long to be a number is refused, and ends no process`() async {
        await #expect(processExitsWith: .success) {
            let request = Samples.request { ($0.issuedAtMs, $0.expiresAtMs) = (.min, .max) }
            guard WireReason.ofRefusal({ try RequestCheck.validate(request) }) == .expired else { exit(1) }
        }
    }

    private func refusal(_ parameters: [String: String]) -> WireReason? {
        let request = Samples.request { $0.parameters = parameters }
        return .ofRefusal { try RequestCheck.validate(request) }
    }

    @Test func `a parameter's name is limited`() {
        #expect(refusal([String(repeating: "n", count: JobLimits.name): "v"]) == nil)
        #expect(refusal([String(repeating: "n", count: JobLimits.name + 1): "v"]) == .parameter)
    }

    @Test func `a parameter's value is limited`() {
        #expect(refusal(["n": String(repeating: "v", count: JobLimits.parameterValue)]) == nil)
        #expect(refusal(["n": String(repeating: "v", count: JobLimits.parameterValue + 1)]) == .parameter)
    }

    @Test func `all parameters together are limited`() {
        var parameters = Dictionary(uniqueKeysWithValues: (0..<8).map { ("\($0)", String(repeating: "v", count: 4095)) })
        #expect(refusal(parameters) == nil)
        parameters["8"] = ""
        #expect(refusal(parameters) == .parameter)
    }
}
