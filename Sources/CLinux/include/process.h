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

/// Closes every descriptor from `first` on.
void sallyport_close_from(int first);

/// Forks a helper that has nothing of this process but standard input, output and error and one end of a socket pair: other
/// descriptors are closed, the environment is overwritten, and it is killed when this process ends. Call while there is one thread.
/// Returns its process id, 0 in the helper, or -errno; `channel` is this side's end.
int sallyport_fork_helper(int *channel);

/// fork(2), which the Swift import of glibc leaves out. Call while there is one thread. The child's id, 0 in the child, or -errno.
int sallyport_fork(void);

/// Waits for a child: 0 when it ended with exit code 0, -1 otherwise.
int sallyport_wait_for(int child);

/// Ends the process at once, without what exit(3) would still run.
_Noreturn void sallyport_exit_now(int code);

/// Names the calling thread, for ps(1).
void sallyport_name_process(const char *name);

/// Ends this process with `signal` when its parent ends. 0, or -errno, or -ESRCH when the parent `expected` is gone already.
int sallyport_follow_parent(int signal, int expected);

#pragma clang assume_nonnull end
