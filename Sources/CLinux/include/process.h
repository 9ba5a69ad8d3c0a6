#pragma once

#pragma clang assume_nonnull begin

/// Gives the signals that the Swift runtime's crash handler takes back to the kernel: that handler would start a program and read
/// this process's memory into it. 0 or -errno.
int sallyport_reset_crash_signals(void);

/// prctl(2) and setrlimit(2) with one meaning each; 0 or -errno.
int sallyport_no_core_dumps(void);
int sallyport_not_dumpable(void);
/// As many descriptors as the hard limit allows, 65536 at most; and how many that are.
int sallyport_all_descriptors(void);
int sallyport_descriptor_limit(void);
int sallyport_no_new_privileges(void);
int sallyport_drop_capabilities(void);

/// Whether this process may be dumped and looked into, as PR_GET_DUMPABLE says: 0 when not.
int sallyport_is_dumpable(void);

/// The signal that the end of the parent sends, 0 when none; or -errno.
int sallyport_parent_death_signal(void);

/// Ends this process with `signal` when its parent ends. 0, or -errno, or -ESRCH when the parent `expected` is gone already.
int sallyport_follow_parent(int signal, int expected);

#pragma clang assume_nonnull end
