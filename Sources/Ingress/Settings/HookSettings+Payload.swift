internal import Settings

/// In which forms a hook takes its bodies.
extension HookSettings {
    /// What stands at `payload` and `form-field`; JSON when nothing does.
    static func payload(_ hook: SettingsMapping) -> PayloadRule {
        let node = hook.optional("payload")
        let field = hook.optional("form-field")
        var forms: [PayloadForm] = []
        for element in node.isList ? node.elements() : [node] {
            guard let form = element.choice(PayloadForm.self) else { continue }
            if forms.contains(form) { element.problem("\(form.rawValue) is there twice") }
            forms.append(form)
        }
        if node.isList, node.elements().isEmpty { node.problem("at least one form is needed") }
        if field.isPresent, !forms.contains(.form), !forms.contains(.multipart) {
            field.problem("needs `payload: form` or `payload: multipart`")
        }
        let name = field.string(maximumLength: URLEncodedForm.maximumName)
        return PayloadRule(forms: forms.isEmpty ? [.json] : forms, field: name, isDemanded: node.isPresent)
    }
}
