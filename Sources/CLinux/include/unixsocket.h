#pragma once

#include <stdint.h>

#pragma clang assume_nonnull begin

/// A listening, non-blocking, close-on-exec AF_UNIX stream socket at `path` whose node has `mode` from the first moment: the mode is
/// set on the descriptor before bind(2), so there is no window with the umask's. Returns the descriptor or -errno; `step` then
/// names the call that failed.
int sallyport_unix_listen(const char *path, unsigned int mode, int backlog, const char *_Nullable *_Nonnull step);

/// A connected, blocking, close-on-exec AF_UNIX stream socket. Returns the descriptor or -errno.
int sallyport_unix_connect(const char *path);

/// Effective uid of the process at the other end when it connected or listened (SO_PEERCRED, unix(7)). 0 or -errno.
int sallyport_unix_peer(int descriptor, uint32_t *uid, int32_t *pid);

/// Bytes a socket path may have, without the terminating zero (unix(7)).
int sallyport_unix_path_limit(void);

#pragma clang assume_nonnull end

/// As the kernel fills it for SO_PEERCRED: `struct ucred` of unix(7), which the Swift import of glibc leaves out.
struct sallyport_credentials {
    int32_t pid;
    uint32_t uid;
    uint32_t gid;
};
