internal import Glibc

/// Plain lines for the operator at a terminal, before there is a log.
public enum StandardError {
    /// Writes one line.
    public static func line(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = unsafe write(STDERR_FILENO, bytes, bytes.count)
    }
}
