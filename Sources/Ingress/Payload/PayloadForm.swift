/// A form in which a body may come.
enum PayloadForm: String, Sendable, CaseIterable {
    case json
    case form
    case multipart
    case xml
    case text

    /// What it is called for people.
    var words: String {
        switch self {
        case .json: "JSON"
        case .form: "a form"
        case .multipart: "a multipart form"
        case .xml: "XML"
        case .text: "plain text"
        }
    }

    /// The body is of this form when its content type is one of these, or ends in what is behind the star.
    func takes(_ type: String) -> Bool {
        switch self {
        case .json: type == "application/json" || type.hasSuffix("+json")
        case .form: type == "application/x-www-form-urlencoded"
        case .multipart: type == "multipart/form-data"
        case .xml: type == "application/xml" || type == "text/xml" || type.hasSuffix("+xml")
        case .text: type == "text/plain"
        }
    }

    /// A charset that is a part of UTF-8, or none said.
    static func isUTF8(_ charset: String?) -> Bool { ["utf-8", "us-ascii"].contains(charset?.lowercased() ?? "utf-8") }
}
