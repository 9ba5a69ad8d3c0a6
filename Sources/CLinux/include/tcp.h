#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// An address of a host, without a port.
struct sallyport_address {
    uint32_t length;
    /// A sockaddr_in or sockaddr_in6.
    uint8_t bytes[28];
};

/// The addresses of a host in the order in which they are to be tried, at most `capacity`: how many, or an EAI_* code, which is
/// negative. `is_numeric`: only an address is understood, and nobody is asked; otherwise it blocks as long as the resolver does.
int sallyport_tcp_addresses(const char *host, int is_numeric, struct sallyport_address *addresses, size_t capacity);

/// What an EAI_* code means.
const char *sallyport_tcp_lookup_text(int error);

/// Begins to connect without blocking. Returns a descriptor or -errno.
int sallyport_tcp_connect(const struct sallyport_address *address, uint16_t port);

/// How a connection that was begun ended: 0 or -errno.
int sallyport_tcp_result(int descriptor);

/// A listening, non-blocking, close-on-exec TCP socket at an address and port. Returns the descriptor or -errno; `step` then names the
/// call that failed.
int sallyport_tcp_listen(const char *host, uint16_t port, int backlog, const char *_Nullable *_Nonnull step);

/// Makes a descriptor that was inherited close-on-exec and non-blocking when it is a listening stream socket of TCP or Unix. 0, -EINVAL
/// when it is anything else, or -errno.
int sallyport_check_listener(int descriptor, int *is_tcp);

#pragma clang assume_nonnull end
