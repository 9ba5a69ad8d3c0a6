#pragma once
#include <errno.h>
#include <libssh2.h>
#include <malloc.h>
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
    /// errno of a failed send, or EBADMSG after a packet whose MAC was wrong; the connection cannot be used any more.
    int error;
    /// Bytes that may still be received before other connections have their turn.
    int64_t allowance;
    /// Bytes that the session has allocated.
    int64_t memory;
};

/// Bytes a session may have allocated: ten channels' windows of 2 MiB, and something over. What a host sends and nobody asked for libssh2
/// keeps until the session ends.
#define SALLYPORT_SSH_MEMORY (32 << 20)
/// Bytes that may wait for the socket: libssh2 answers a host's requests, whether that takes the answers or not.
#define SALLYPORT_SSH_UNSENT (4 << 20)
/// What receiving costs at least, in bytes of the allowance: libssh2 asks for the lines before the version one byte at a time.
#define SALLYPORT_SSH_COST 256

static inline void *sallyport_ssh_reallocate(void *old, size_t count, void **abstract) {
    struct sallyport_ssh_traffic *traffic = (struct sallyport_ssh_traffic *)*abstract;
    if (count > SALLYPORT_SSH_MEMORY || traffic->memory + (int64_t)count > SALLYPORT_SSH_MEMORY) return NULL;
    int64_t before = old == NULL ? 0 : (int64_t)malloc_usable_size(old);
    void *memory = realloc(old, count);
    if (memory != NULL) traffic->memory += (int64_t)malloc_usable_size(memory) - before;
    return memory;
}

static inline void *sallyport_ssh_allocate(size_t count, void **abstract) { return sallyport_ssh_reallocate(NULL, count, abstract); }

static inline void sallyport_ssh_free(void *memory, void **abstract) {
    if (memory == NULL) return;
    ((struct sallyport_ssh_traffic *)*abstract)->memory -= (int64_t)malloc_usable_size(memory);
    free(memory);
}

/// Counts what comes in: libssh2 may take a packet of one channel off the socket while another channel's call runs, and only the
/// count tells that there is something to look at. Some calls of libssh2 go on for as long as anything comes: the allowance ends them.
static inline ssize_t sallyport_ssh_receive(libssh2_socket_t descriptor, void *buffer, size_t length, int flags, void **abstract) {
    struct sallyport_ssh_traffic *traffic = (struct sallyport_ssh_traffic *)*abstract;
    if (traffic->allowance <= 0) return -EAGAIN;
    ssize_t count = recv(descriptor, buffer, length, flags);
    if (count < 0) return -errno;
    traffic->received += (uint64_t)count;
    traffic->allowance -= count < SALLYPORT_SSH_COST ? SALLYPORT_SSH_COST : count;
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
/// may corrupt the stream (1.11.0) or waits for a direction it does not name (1.11.1). Callers bound what they put in, and what libssh2
/// itself puts in ends the connection when it is too much.
static inline ssize_t sallyport_ssh_send(libssh2_socket_t descriptor, const void *buffer, size_t length, int flags, void **abstract) {
    struct sallyport_ssh_traffic *traffic = (struct sallyport_ssh_traffic *)*abstract;
    (void)flags;
    if (traffic->error != 0) return -EPIPE;
    if (traffic->last - traffic->first + length > SALLYPORT_SSH_UNSENT) {
        traffic->error = ENOBUFS;
        return -ENOBUFS;
    }
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

/// A packet was changed on the way. libssh2 fails the call that met it, which may be one whose result nobody needs, and would go on with
/// the next packet: this ends the connection, whichever call it was.
static inline int sallyport_ssh_mac_error(LIBSSH2_SESSION *session, const char *packet, int length, void **abstract) {
    (void)session;
    (void)packet;
    (void)length;
    ((struct sallyport_ssh_traffic *)*abstract)->error = EBADMSG;
    return -1;
}

/// A session that counts into `traffic`, which must be zeroed and outlive it.
static inline LIBSSH2_SESSION *sallyport_ssh_session(struct sallyport_ssh_traffic *traffic) {
    LIBSSH2_SESSION *session =
        libssh2_session_init_ex(sallyport_ssh_allocate, sallyport_ssh_free, sallyport_ssh_reallocate, traffic);
    if (session == NULL) return NULL;
#if LIBSSH2_VERSION_NUM >= 0x010b01
    libssh2_session_callback_set2(session, LIBSSH2_CALLBACK_RECV, (libssh2_cb_generic *)sallyport_ssh_receive);
    libssh2_session_callback_set2(session, LIBSSH2_CALLBACK_SEND, (libssh2_cb_generic *)sallyport_ssh_send);
    libssh2_session_callback_set2(session, LIBSSH2_CALLBACK_MACERROR, (libssh2_cb_generic *)sallyport_ssh_mac_error);
#else
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_RECV, (void *)sallyport_ssh_receive);
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_SEND, (void *)sallyport_ssh_send);
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_MACERROR, (void *)sallyport_ssh_mac_error);
#endif
    libssh2_session_set_blocking(session, 0);
    return session;
}

/// Hands bytes to a socket of our own, without a signal when its other end is closed.
static inline ssize_t sallyport_ssh_pass(int descriptor, const void *bytes, size_t length) {
    return send(descriptor, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}
