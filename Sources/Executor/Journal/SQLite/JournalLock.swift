internal import CLinux
internal import Glibc

/// Keeps a journal to one executor: two of them would each take the other's running jobs for left ones and run them again.
enum JournalLock {
    /// Takes the lock for the life of the process. Call before anything of the journal is looked at.
    ///
    /// - Returns: false when another executor has it.
    /// - Throws: ``JournalError`` when the folder cannot be written.
    static func take(_ journal: String) throws(JournalError) -> Bool {
        let result = unsafe sallyport_lock_file(journal + ".lock")
        guard result != 0 else { return true }
        if result == -EWOULDBLOCK { return false }
        let reason = unsafe strerror(-result).map { unsafe String(cString: $0) } ?? "error \(-result)"
        let cause: JournalError.Cause =
            switch -result {
            case EROFS: .readOnly
            case ENOSPC, EDQUOT: .full
            default: .other
            }
        let hint = cause == .other ? "; its folder must exist and belong to the executor's user" : ""
        throw JournalError(step: "lock", place: journal, underlying: reason + hint, cause: cause)
    }
}
