internal import CLinux

/// Pages of the program and its libraries that the start has used: relocations, settings, the first run of everything.
public enum StartUpPages {
    /// Gives them back, so that only what serving uses counts as this process's memory. Call once, when the start is over; what is
    /// needed again comes back by itself, from the kernel's cache.
    public static func giveBack() { sallyport_drop_unwritten_pages() }
}
