#pragma once
#include <errno.h>
#include <libssh2.h>
#include <stdint.h>
#include <sys/socket.h>

/// What a session has received so far; libssh2's session keeps a pointer to it.
struct sallyport_ssh_traffic {
    uint64_t received;
};

/// Counts what comes in: libssh2 may take a packet of one channel off the socket while another channel's call runs, and only the
/// count tells that there is something to look at.
static inline ssize_t sallyport_ssh_receive(libssh2_socket_t descriptor, void *buffer, size_t length, int flags, void **abstract) {
    ssize_t count = recv(descriptor, buffer, length, flags);
    if (count < 0) return -errno;
    if (*abstract != NULL) ((struct sallyport_ssh_traffic *)*abstract)->received += (uint64_t)count;
    return count;
}

/// A session that counts into `traffic`, which must outlive it.
static inline LIBSSH2_SESSION *sallyport_ssh_session(struct sallyport_ssh_traffic *traffic) {
    LIBSSH2_SESSION *session = libssh2_session_init_ex(NULL, NULL, NULL, traffic);
    if (session == NULL) return NULL;
#if LIBSSH2_VERSION_NUM >= 0x010b01
    libssh2_session_callback_set2(session, LIBSSH2_CALLBACK_RECV, (libssh2_cb_generic *)sallyport_ssh_receive);
#else
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_RECV, (void *)sallyport_ssh_receive);
#endif
    libssh2_session_set_blocking(session, 0);
    return session;
}
