#pragma once

#include <stddef.h>

#pragma clang assume_nonnull begin

/// `size` bytes of their own pages: locked when the limits allow it, left out of core dumps, and empty in a forked child.
/// NULL with errno when there is no memory.
void *_Nullable sallyport_secret_allocate(size_t size);

/// Overwrites and gives back what sallyport_secret_allocate made.
void sallyport_secret_free(void *memory, size_t size);

/// Opens a file for reading and says what fstat(2) says of it.
/// Returns the descriptor or -errno.
int sallyport_secret_open(const char *path, unsigned int *mode, unsigned int *owner, unsigned int *group, long long *size);

/// Makes or opens a file for the owner alone and locks it for as long as this process lives (flock(2)). 0, -EWOULDBLOCK when another
/// process has it, or -errno.
int sallyport_lock_file(const char *path);

/// Mode and owner of the folder that holds `path`. 0 or -errno.
int sallyport_parent_mode(const char *path, unsigned int *mode, unsigned int *owner);

/// Takes the pages of programs and libraries that nobody has written to out of this process (MADV_DONTNEED, madvise(2)). They stay in
/// the kernel's cache: what is used again is there again at its next use.
void sallyport_drop_unwritten_pages(void);

#pragma clang assume_nonnull end
