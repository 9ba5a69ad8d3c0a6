#pragma once
#include <errno.h>
#include <libssh2.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/// What a session has received and sent, and what the kernel did not take yet; libssh2's session keeps a pointer to it.
struct sallyport_ssh_traffic {
    uint64_t received;
    uint64_t sent;
    /// Bytes that wait for the socket: `unsent[first ..< last]`.
    uint8_t *unsent;
    size_t first;
    size_t last;
    size_t capacity;
    /// errno of a failed send; the socket cannot be used any more.
    int error;
};

/// Counts what comes in: libssh2 may take a packet of one channel off the socket while another channel's call runs, and only the
/// count tells that there is something to look at.
static inline ssize_t sallyport_ssh_receive(libssh2_socket_t descriptor, void *buffer, size_t length, int flags, void **abstract) {
    ssize_t count = recv(descriptor, buffer, length, flags);
    if (count < 0) return -errno;
    if (*abstract != NULL) ((struct sallyport_ssh_traffic *)*abstract)->received += (uint64_t)count;
    return count;
}

/// Hands waiting bytes to the kernel as far as it takes them. Returns 0, or -errno when the connection is over.
static inline int sallyport_ssh_flush(libssh2_socket_t descriptor, struct sallyport_ssh_traffic *traffic) {
    while (traffic->error == 0 && traffic->first < traffic->last) {
        ssize_t count = send(descriptor, traffic->unsent + traffic->first, traffic->last - traffic->first, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count >= 0) {
            traffic->first += (size_t)count;
            traffic->sent += (uint64_t)count;
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            traffic->error = errno;
        }
    }
    if (traffic->first == traffic->last) traffic->first = traffic->last = 0;
    return -traffic->error;
}

/// Takes every packet whole, so that libssh2 never holds a half-written one. With one, any other call on the session fails (1.10),
/// may corrupt the stream (1.11.0) or waits for a direction it does not name (1.11.1). Callers bound what they put in.
static inline ssize_t sallyport_ssh_send(libssh2_socket_t descriptor, const void *buffer, size_t length, int flags, void **abstract) {
    struct sallyport_ssh_traffic *traffic = (struct sallyport_ssh_traffic *)*abstract;
    (void)flags;
    if (traffic == NULL || traffic->error != 0) return -EPIPE;
    if (traffic->capacity - traffic->last < length) {
        size_t waiting = traffic->last - traffic->first;
        if (waiting > 0) memmove(traffic->unsent, traffic->unsent + traffic->first, waiting);
        traffic->first = 0;
        traffic->last = waiting;
        if (traffic->capacity - waiting < length) {
            size_t capacity = 2 * (waiting + length);
            uint8_t *larger = (uint8_t *)realloc(traffic->unsent, capacity);
            if (larger == NULL) return -ENOMEM;
            traffic->unsent = larger;
            traffic->capacity = capacity;
        }
    }
    memcpy(traffic->unsent + traffic->last, buffer, length);
    traffic->last += length;
    int result = sallyport_ssh_flush(descriptor, traffic);
    return result < 0 ? result : (ssize_t)length;
}

/// A session that counts into `traffic`, which must be zeroed and outlive it.
static inline LIBSSH2_SESSION *sallyport_ssh_session(struct sallyport_ssh_traffic *traffic) {
    LIBSSH2_SESSION *session = libssh2_session_init_ex(NULL, NULL, NULL, traffic);
    if (session == NULL) return NULL;
#if LIBSSH2_VERSION_NUM >= 0x010b01
    libssh2_session_callback_set2(session, LIBSSH2_CALLBACK_RECV, (libssh2_cb_generic *)sallyport_ssh_receive);
    libssh2_session_callback_set2(session, LIBSSH2_CALLBACK_SEND, (libssh2_cb_generic *)sallyport_ssh_send);
#else
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_RECV, (void *)sallyport_ssh_receive);
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_SEND, (void *)sallyport_ssh_send);
#endif
    libssh2_session_set_blocking(session, 0);
    return session;
}

/// Hands bytes to a socket of our own, without a signal when its other end is closed.
static inline ssize_t sallyport_ssh_pass(int descriptor, const void *bytes, size_t length) {
    return send(descriptor, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}
