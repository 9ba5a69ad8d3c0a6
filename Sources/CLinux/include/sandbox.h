#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// A path and what may be done below it (bits of LANDLOCK_ACCESS_FS_*, landlock(7)).
struct sallyport_path_rule {
    const char *path;
    uint64_t access;
};

/// Rights by name, for the rules above.
uint64_t sallyport_landlock_read_file(void);
uint64_t sallyport_landlock_read_folder(void);
uint64_t sallyport_landlock_use_folder(void);

/// The version of Landlock that the kernel has; 0 when it has none or it is switched off.
int sallyport_landlock_abi(void);

/// Restricts the calling thread, and the threads it makes from now on, to the rules: no file, no TCP port, and as far as the kernel
/// knows them no abstract socket of and, without
/// `signals`, no signal to a process outside. A path that is not there is left out.
/// Returns the version that was reached, 0 when there is none, or -errno; `step` then names the call.
int sallyport_landlock_restrict(
    const struct sallyport_path_rule *_Nullable paths, size_t path_count, const uint16_t *_Nullable connect_ports, size_t port_count,
    int signals, const char *_Nullable *_Nonnull step);

/// Loads a seccomp filter, `count` instructions of 8 bytes (struct sock_filter), into all threads of the process. 0 or -errno.
int sallyport_seccomp_load(const void *program, size_t count);

/// Forks a child that loads the filter and calls execve(2). 0 when the kernel killed it for that; -1 when it did anything else.
/// Call while there is one thread.
int sallyport_seccomp_probe(const void *program, size_t count);

/// A file in memory (memfd_create(2)), close-on-exec. A descriptor or -errno.
int sallyport_memory_file(const char *name);

#pragma clang assume_nonnull end
