import JobProtocol

extension ProtocolError.Code {
    /// The violation that `body` ends in; nil when it accepts.
    static func of<T>(_ body: () throws -> T) -> ProtocolError.Code? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? ProtocolError)?.code
        }
    }
}
