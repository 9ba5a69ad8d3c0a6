extension StaticString {
    /// The text as C wants it, for as long as the process lives. OpenSSL keeps pointers to the names of parameters; that of a
    /// `String` handed to a call is gone when the call returns.
    var cString: UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
