import Authentication
import Testing

/// What holds of every scheme that signs the body, each on the vector of its provider.
struct SignatureVectorTests {
    typealias Vector = SignatureVector

    @Test(arguments: Vector.all) func `a provider's delivery is valid, and is what signing gives`(vector: Vector) throws {
        let scheme = try vector.scheme()
        #expect(scheme.outcome(vector.head, vector.body, now: vector.now) == .valid)
        let signed = try scheme.sign(WebhookMessage(body: Array(vector.body.utf8), id: vector.id, time: vector.now))
        for header in vector.headers { #expect(SampleHead(signed).values(of: header.name) == [header.value]) }
        #expect(scheme.outcome(SampleHead(signed), vector.body, now: vector.now) == .valid)
        #expect(signed.pathSecret == nil)
    }

    @Test(arguments: Vector.all) func `with any byte of the body changed, added or cut off it is not`(vector: Vector) throws {
        let scheme = try vector.scheme()
        let body = Array(vector.body.utf8)
        for changed in body.withOneBitChanged + [body + [0x0a], body.dropLast(), [], [0x20] + body] {
            #expect(scheme.outcome(vector.head, changed, now: vector.now) == .atEnd(.mismatch))
        }
    }

    @Test(arguments: Vector.all) func `with any byte of the signature changed or cut off it is not`(vector: Vector) throws {
        let scheme = try vector.scheme()
        let (name, value) = vector.signatureHeader
        // Without the time of Stripe's header, which has tests of its own.
        let texts = Array(value.utf8).withOneBitChanged + (0..<value.utf8.count).map { Array(value.utf8.prefix($0)) }
        for text in texts {
            guard let text = String(validating: text, as: UTF8.self) else { continue }
            // Both cases of a hexadecimal digit are the same one.
            guard text.lowercased() != value.lowercased() || value.contains("+") else { continue }
            #expect(scheme.outcome(vector.head.with(name, text), vector.body, now: vector.now) != .valid, "\(text)")
        }
    }

    @Test(arguments: Vector.all) func `a header that is missing or empty is told before the body`(vector: Vector) throws {
        let scheme = try vector.scheme()
        for header in vector.headers {
            for head in [
                vector.head.without(header.name), vector.head.with(header.name, ""), vector.head.with(header.name, " \t"),
            ] {
                #expect(scheme.outcome(head, vector.body, now: vector.now) == .atHead(.missing), "\(header.name)")
            }
        }
        #expect(scheme.outcome(SampleHead(), vector.body, now: vector.now) == .atHead(.missing))
    }

    @Test(arguments: Vector.all) func `a header that is there twice is refused before the body`(vector: Vector) throws {
        let scheme = try vector.scheme()
        for header in vector.headers {
            let twice = vector.head.adding(header.name, header.value)
            #expect(scheme.outcome(twice, vector.body, now: vector.now) == .atHead(.malformed), "\(header.name)")
            let other = vector.head.adding(header.name.uppercased(), "x")
            #expect(scheme.outcome(other, vector.body, now: vector.now) == .atHead(.malformed), "\(header.name)")
        }
    }

    @Test(arguments: Vector.all) func `a signature that is not of its form is refused before the body`(vector: Vector) throws {
        let scheme = try vector.scheme()
        let (name, value) = vector.signatureHeader
        for text in [
            "x", "sha256=", "v1,", "v0=", "\(value), \(value)", "\(value)=", "abcé", "\u{0}",
            String(repeating: "A", count: 100_000),
        ] {
            #expect(
                scheme.outcome(vector.head.with(name, text), vector.body, now: vector.now) == .atHead(.malformed),
                "\(text.prefix(80))")
        }
    }

    @Test(arguments: Vector.all) func `white space around a value is no part of it`(vector: Vector) throws {
        let scheme = try vector.scheme()
        for header in vector.headers {
            let head = vector.head.with(header.name, " \t\(header.value)\t ")
            #expect(scheme.outcome(head, vector.body, now: vector.now) == .valid)
        }
    }

    @Test(arguments: Vector.all) func `under another secret it is not valid, under one of several it is`(vector: Vector) throws {
        let other = "whsec_" + Base64.encode(Array(repeating: 7, count: 24))
        #expect(try vector.scheme([other]).outcome(vector.head, vector.body, now: vector.now) == .atEnd(.mismatch))
        #expect(try vector.scheme([other, other]).outcome(vector.head, vector.body, now: vector.now) == .atEnd(.mismatch))
        #expect(try vector.scheme([other, vector.secret]).outcome(vector.head, vector.body, now: vector.now) == .valid)
        #expect(try vector.scheme([vector.secret, other]).outcome(vector.head, vector.body, now: vector.now) == .valid)
    }

    @Test(arguments: Vector.all) func `there is a scheme with one to four secrets, none of them empty`(vector: Vector) throws {
        #expect(throws: AuthenticationError.self) { try vector.scheme([]) }
        #expect(throws: AuthenticationError.self) { try vector.scheme([""]) }
        #expect(throws: AuthenticationError.self) { try vector.scheme([vector.secret, ""]) }
        let four = [String](repeating: vector.secret, count: SignatureLimits.secrets)
        #expect(try vector.scheme(four).outcome(vector.head, vector.body, now: vector.now) == .valid)
        #expect(throws: AuthenticationError.self) { try vector.scheme(four + [vector.secret]) }
    }

    @Test(arguments: Vector.all) func `a body may come in any pieces`(vector: Vector) throws {
        let verification = Verification.scheme(try vector.scheme())
        let body = Array(vector.body.utf8)
        for cut in 0...body.count {
            #expect(verification.outcome(vector.head, [body[..<cut], [], body[cut...]], now: vector.now) == .valid)
        }
    }

    @Test(arguments: Vector.all) func `what is not signed a sender without the secret can choose`(vector: Vector) throws {
        let scheme = try vector.scheme()
        var head = vector.head
        for header in vector.unsigned { head = head.with(header.name, header.value) }
        head.pathSecret = "anything"
        #expect(scheme.outcome(head, vector.body, now: vector.now) == .valid)
        // The same delivery again, as often as one likes: what keeps it from running twice is its event id.
        #expect(scheme.outcome(head, vector.body, now: vector.now) == .valid)
    }

    @Test(arguments: Vector.all.filter { $0.time == nil })
    func `without a signed time a delivery is valid for ever`(vector: Vector) throws {
        for now: Int64 in [0, 1_614_265_330, 99_999_999_999] {
            #expect(try vector.scheme().outcome(vector.head, vector.body, now: now) == .valid)
        }
    }

    @Test(arguments: Vector.all.filter { $0.time != nil })
    func `a signed time is tolerated up to the limit in both directions, and beyond it refused before the body`(vector: Vector)
        throws
    {
        for tolerance: Int64 in [1, 300, 604_800] {
            let scheme = try vector.scheme(tolerance: tolerance)
            for (distance, expected) in [
                (tolerance, Outcome.valid), (-tolerance, .valid), (tolerance + 1, .atHead(.time)),
                (-tolerance - 1, .atHead(.time)),
            ] {
                #expect(scheme.outcome(vector.head, vector.body, now: vector.now + distance) == expected, "\(distance)")
            }
        }
        #expect(try vector.scheme().outcome(vector.head, vector.body, now: vector.now + 300) == .valid)
        #expect(try vector.scheme().outcome(vector.head, vector.body, now: vector.now + 301) == .atHead(.time))
    }

    @Test(arguments: Vector.all.filter { $0.time != nil })
    func `another time than the signed one is a mismatch, and what is no time is malformed`(vector: Vector) throws {
        let scheme = try vector.scheme()
        let text = "\(vector.now)"
        func head(_ time: String) throws -> SampleHead {
            let header = try #require(vector.headers.first { $0.value.contains(text) })
            return vector.head.with(header.name, header.value == text ? time : "t=\(time)" + header.value.drop { $0 != "," })
        }
        for time in ["\(vector.now + 1)", "\(vector.now - 1)"] {
            #expect(scheme.outcome(try head(time), vector.body, now: vector.now) == .atEnd(.mismatch))
        }
        for time in ["0" + text, "+" + text, "-" + text, text + ".0", text + " 1", "1e9", "٣٣٣", "0x60", "1234567890123", "now"] {
            #expect(scheme.outcome(try head(time), vector.body, now: vector.now) == .atHead(.malformed), "\(time)")
        }
        #expect(scheme.outcome(try head("999999999999"), vector.body, now: vector.now) == .atHead(.time))
    }

    @Test(arguments: Vector.all) func `an error names the header and holds no signature`(vector: Vector) throws {
        let verification = Verification.scheme(try vector.scheme())
        let (name, value) = vector.signatureHeader
        let right = value.split(whereSeparator: { ",= ".contains($0) }).map(String.init).max { $0.count < $1.count } ?? value
        for head in [vector.head, vector.head.without(name), vector.head.with(name, "x"), vector.head.adding(name, "x")] {
            let refusal = try #require(verification.refusal(head, "another body", now: vector.now))
            #expect(refusal.detail.contains(name))
            #expect(!refusal.detail.contains(right))
            #expect(refusal.challenges.count == 1)
            #expect(vector.name.hasPrefix(refusal.scheme) || vector.name == "svix")
        }
    }
}
