/// Quoting for a POSIX shell (IEEE 1003.1, 2.2.2): inside single quotes every byte but the quote itself stands for itself.
public enum ShellQuoting {
    /// `argument` as one word; nil when it has a NUL byte, which no argument can have.
    public static func quote(_ argument: String) -> String? {
        guard !argument.utf8.contains(0) else { return nil }
        var quoted = "'"
        for character in argument.unicodeScalars {
            if character == "'" { quoted += "'\\''" } else { quoted.unicodeScalars.append(character) }
        }
        return quoted + "'"
    }

    /// The words of a command line; nil when one of them cannot be quoted.
    public static func line(_ arguments: [String]) -> String? {
        var words: [String] = []
        for argument in arguments {
            guard let word = quote(argument) else { return nil }
            words.append(word)
        }
        return words.joined(separator: " ")
    }
}
