#pragma once

#include <stdint.h>

#pragma clang assume_nonnull begin

/// Begins to connect to the `index`th address of a host, without blocking but for the resolver (only for names). Returns a descriptor,
/// or -errno, or INT32_MIN when there is no such address.
int sallyport_tcp_connect(const char *host, uint16_t port, int index);

/// How a connection that was begun ended: 0 or -errno.
int sallyport_tcp_result(int descriptor);

/// A listening, non-blocking, close-on-exec TCP socket at an address and port. Returns the descriptor or -errno; `step` then names the
/// call that failed.
int sallyport_tcp_listen(const char *host, uint16_t port, int backlog, const char *_Nullable *_Nonnull step);

/// Makes a descriptor that was inherited close-on-exec and non-blocking when it is a listening stream socket of TCP or Unix. 0, -EINVAL
/// when it is anything else, or -errno.
int sallyport_check_listener(int descriptor, int *is_tcp);

#pragma clang assume_nonnull end
