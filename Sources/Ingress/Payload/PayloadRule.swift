internal import JSON
internal import NIOCore
internal import NIOHTTP1

/// In which forms a hook takes its bodies, and how they become a value that JSON pointers lead into.
struct PayloadRule: Sendable {
    /// At least one.
    let forms: [PayloadForm]
    /// Of a form, this field holds JSON, which is the payload.
    let field: String?
    /// The forms are written out: then a body is read although nothing is taken from it.
    let isDemanded: Bool

    /// For `check` and for errors.
    var words: String {
        forms.map { form in
            let isForm = form == .form || form == .multipart
            return isForm ? form.words + (field.map { " whose field \($0) is JSON" } ?? "") : form.words
        }.joined(separator: " or ")
    }

    /// A form of the hook, with what the content type says of it.
    struct Chosen {
        fileprivate let form: PayloadForm
        fileprivate let type: ParameterizedValue
    }

    /// The form that a delivery's content type names; the body is not looked at.
    ///
    /// - Throws: the ``Rejection`` for the sender, 415.
    func form(of delivery: Delivery) throws(Rejection) -> Chosen {
        guard let chosen = chosen(delivery) else {
            let types = delivery.headers["content-type"]
            let found = types.isEmpty ? "no content type" : types.joined(separator: ", ").prefix(80).debugDescription
            throw Rejection(.unsupportedMediaType, "this hook reads \(words), the delivery has \(found)", outcome: "media-type")
        }
        // JSON is UTF-8 and has no such parameter (RFC 8259 section 11).
        guard chosen.form == .json || PayloadForm.isUTF8(chosen.type["charset"]) else {
            throw Rejection(
                .unsupportedMediaType, "this hook reads UTF-8, the delivery has another charset", outcome: "media-type")
        }
        return chosen
    }

    /// The payload of a delivery.
    ///
    /// - Throws: the ``Rejection`` for the sender, 400: the body is not what its content type says.
    func payload(of delivery: Delivery, as chosen: Chosen) throws(Rejection) -> JSONValue {
        do throws(PayloadError) {
            return try read(Array(delivery.body.readableBytesView), as: chosen.form, boundary: chosen.type["boundary"])
        } catch {
            throw Rejection(.badRequest, "the body is not \(chosen.form.words): \(error)", outcome: "unparsable")
        }
    }

    /// The delivery's content type is of one of the forms.
    func takes(_ delivery: Delivery) -> Bool { chosen(delivery) != nil }

    private func chosen(_ delivery: Delivery) -> Chosen? {
        let types = delivery.headers["content-type"]
        guard types.count == 1, let type = ParameterizedValue(types[0]) else { return nil }
        return forms.first { $0.takes(type.value) }.map { Chosen(form: $0, type: type) }
    }

    private func read(_ body: [UInt8], as form: PayloadForm, boundary: String?) throws(PayloadError) -> JSONValue {
        switch form {
        case .json: try Self.json(body)
        case .form: try inner(URLEncodedForm.read(body))
        case .multipart: try inner(MultipartForm.read(body, boundary: boundary))
        case .xml: try XMLReader.read(body)
        case .text: .string(try PayloadText.text(body, 0..<body.count))
        }
    }

    private static func json(_ bytes: [UInt8]) throws(PayloadError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue.parse(bytes)
        } catch {
            throw PayloadError(error.message, at: error.offset)
        }
    }

    private func inner(_ fields: JSONValue) throws(PayloadError) -> JSONValue {
        guard let field else { return fields }
        guard let value = fields[field] else { throw PayloadError("the field \(field) is missing") }
        guard let text = value.string else { throw PayloadError("the field \(field) is there more than once, or a file") }
        do throws(PayloadError) {
            return try Self.json(Array(text.utf8))
        } catch {
            throw PayloadError("the field \(field) is not JSON: \(error) of it")
        }
    }
}
