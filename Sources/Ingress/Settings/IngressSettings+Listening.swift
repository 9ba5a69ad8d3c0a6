extension IngressSettings {
    /// Listeners and limits in words, for `check`.
    var listenSummary: [String] {
        var lines: [String] = []
        if let tls = listen.tls {
            let client =
                switch tls.client {
                case .required: "clients must show a certificate"
                case .optional: "clients may show a certificate"
                case nil: "clients show no certificate"
                }
            lines.append(
                "listener \(listen.place): TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, \(client); certificate \(tls.fingerprint)")
        } else {
            lines.append("listener \(listen.place): HTTP/1.1 in the clear: put a proxy with TLS in front of it")
        }
        lines.append(operations.map { "operations: \($0)" } ?? "operations: no listener of their own, and no metrics")
        lines.append(limits.summary)
        return lines
    }
}
