internal import CLinux

extension SystemCallFilter {
    /// What became of a call that was made under the filter.
    enum Live: Equatable, Sendable {
        /// It returned this, or -errno.
        case returned(Int)
        /// The process was ended by this signal.
        case ended(Int32)
    }

    /// Makes a call in a child process under the filter, on this machine's kernel.
    func tryLive(number: Int32, arguments: [Int]) -> Live {
        var result = 0
        let signal = unsafe sallyport_call_under_filter(bytes, bytes.count / 8, Int(number), arguments, &result)
        return signal == 0 ? .returned(result) : .ended(signal)
    }
}
