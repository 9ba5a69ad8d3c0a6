import JSON

@testable import Parsers

extension FuzzTarget {
    /// Payloads.
    static let texts = [
        FuzzTarget(name: "json") { bytes in
            let (pointer, document) = halves(bytes)
            guard let value = try? JSONValue.parse(document) else { return }
            _ = (try? JSONPointer(text(pointer)))?.value(in: value)
        },
        FuzzTarget(name: "xml") { bytes in _ = try? XMLReader.read(bytes) },
        FuzzTarget(name: "form") { bytes in _ = try? URLEncodedForm.read(bytes) },
        FuzzTarget(name: "multipart") { bytes in
            let (boundary, body) = halves(bytes)
            _ = try? MultipartForm.read(body, boundary: text(boundary))
        },
    ]
}
