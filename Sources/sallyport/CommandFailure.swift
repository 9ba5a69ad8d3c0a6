import ArgumentParser
import Audit
import Authentication
import Glibc

/// An error for the operator, with the exit code for programs: 1 the answer is no, 2 wrong use or unreadable file, 3 not reachable, 4 each
/// part is good and they do not go together.
struct CommandFailure: Error, CustomStringConvertible {
    enum Code: Int32 {
        case failed = 1
        case usage = 2
        case unavailable = 3
        case apart = 4
    }

    let description: String
    let code: Code

    init(_ description: String, code: Code) {
        self.description = description
        self.code = code
    }

    /// Says the error on standard error and ends with its code.
    func exit() -> ExitCode {
        Output.error("sallyport: \(description)")
        return ExitCode(code.rawValue)
    }
}

/// Runs `body`; a failure is said on standard error and becomes the exit code.
func reporting(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let failure as CommandFailure {
        throw failure.exit()
    } catch let exit as ExitCode {
        throw exit
    } catch let error as AuditError {
        throw CommandFailure("\(error)", code: error.isUnreadable ? .usage : .failed).exit()
    } catch let error as AuthenticationError {
        // A key or secret file that cannot be used.
        throw CommandFailure("\(error)", code: .usage).exit()
    } catch {
        throw CommandFailure("\(error)", code: .failed).exit()
    }
}

/// Whole lines on standard output and standard error.
enum Output {
    static func line(_ text: String) { write(text, STDOUT_FILENO) }
    static func error(_ text: String) { write(text, STDERR_FILENO) }

    /// A part of a command's output, as it came, on the stream it came from.
    static func piece(_ text: String, isError: Bool) { write(text, isError ? STDERR_FILENO : STDOUT_FILENO, end: "") }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Columns of the terminal; nil when output goes elsewhere, or the terminal does not say.
    static var width: Int? {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    private static func write(_ text: String, _ descriptor: Int32, end: String = "\n") {
        var rest = Array((text + end).utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
