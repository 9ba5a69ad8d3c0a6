internal import Glibc

/// What a descriptor leads to, for what is written to people.
public enum Terminal {
    /// A person reads it (isatty(3)).
    public static func isOne(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// A person reads it, and neither NO_COLOR (https://no-color.org) nor a dumb terminal says no to colour.
    public static func hasColour(_ descriptor: Int32) -> Bool {
        isOne(descriptor) && variable("NO_COLOR").isEmpty && variable("TERM") != "dumb"
    }

    private static func variable(_ name: String) -> String { unsafe getenv(name).map { unsafe String(cString: $0) } ?? "" }
}
