#pragma once

#include <stddef.h>

#pragma clang assume_nonnull begin

/// Any system call by its number, with six arguments, past the wrappers of glibc. Its result, or -errno.
long sallyport_system_call(long number, const long *arguments);

/// getpid(2) through another architecture's entry: i386's `int 0x80` on x86_64. Its result, or -errno; -ENOSYS where there is none.
long sallyport_foreign_call(void);

/// A thread that makes a system call, as above, once a byte comes on `descriptor`, and then writes the result (a `long`) to `answer`.
/// 0 or -errno.
int sallyport_thread_that_calls(int descriptor, int answer, long number, const long *arguments);

/// Waits for a child. 0 when it ended by itself, else the signal that ended it; `dumped` says whether the kernel wrote a core.
int sallyport_end_of(int child, int *dumped);

/// Loads a shared library (dlopen(3)). 0 or -EACCES.
int sallyport_load_library(const char *name);

/// Makes a system call in a child under a seccomp filter (`sallyport_seccomp_load`). 0 and its result, or the signal that ended the
/// child; 0 and a `result` of 0 too when the child ended by the call itself.
int sallyport_call_under_filter(const void *program, size_t count, long number, const long *arguments, long *result);

#pragma clang assume_nonnull end
