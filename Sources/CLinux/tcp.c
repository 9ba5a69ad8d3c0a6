#define _GNU_SOURCE
#include "tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct addrinfo *resolve(const char *host, uint16_t port, int flags) {
    char service[8];
    snprintf(service, sizeof(service), "%u", port);
    struct addrinfo hints;
    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    struct addrinfo *list = NULL;
    return getaddrinfo(host, service, &hints, &list) == 0 ? list : NULL;
}

int sallyport_tcp_addresses(const char *host, int is_numeric, struct sallyport_address *addresses, size_t capacity) {
    struct addrinfo hints;
    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = is_numeric ? AI_NUMERICHOST : 0;
    struct addrinfo *list = NULL;
    int result = getaddrinfo(host, NULL, &hints, &list);
    if (result != 0) return result < 0 ? result : EAI_FAIL;
    size_t count = 0;
    for (struct addrinfo *entry = list; entry != NULL && count < capacity; entry = entry->ai_next) {
        if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
        addresses[count].length = entry->ai_addrlen;
        memcpy(addresses[count].bytes, entry->ai_addr, entry->ai_addrlen);
        count++;
    }
    freeaddrinfo(list);
    return count > 0 ? (int)count : EAI_NONAME;
}

const char *sallyport_tcp_lookup_text(int error) { return gai_strerror(error); }

int sallyport_tcp_connect(const struct sallyport_address *address, uint16_t port) {
    struct sockaddr_storage place;
    memcpy(&place, address->bytes, sizeof(address->bytes));
    if (place.ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)&place)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)&place)->sin_port = htons(port);
    }
    int descriptor = socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (descriptor < 0) return -errno;
    int one = 1;
    // Half a minute without an acknowledgement is a dead connection, whatever the kernel's own patience is.
    unsigned int patience = 30000;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
    if (connect(descriptor, (struct sockaddr *)&place, address->length) < 0 && errno != EINPROGRESS) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int sallyport_tcp_result(int descriptor) {
    int error = 0;
    socklen_t length = sizeof(error);
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return -errno;
    return -error;
}

int sallyport_tcp_listen(const char *host, uint16_t port, int backlog, const char **step) {
    struct addrinfo *address = resolve(host, port, AI_PASSIVE);
    *step = "look up the address";
    if (address == NULL) return -EADDRNOTAVAIL;
    int one = 1;
    *step = "socket";
    int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
    int result = descriptor;
    if (result >= 0) {
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        *step = "bind";
        result = bind(descriptor, address->ai_addr, address->ai_addrlen);
    }
    if (result >= 0) {
        *step = "listen";
        result = listen(descriptor, backlog);
    }
    int error = errno;
    if (result < 0 && descriptor >= 0) close(descriptor);
    freeaddrinfo(address);
    return result < 0 ? -error : descriptor;
}

int sallyport_check_listener(int descriptor, int *is_tcp) {
    int type = 0;
    int accepts = 0;
    int domain = 0;
    socklen_t length = sizeof(type);
    if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) < 0) return errno == ENOTSOCK ? -EINVAL : -errno;
    length = sizeof(accepts);
    if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &length) < 0) return -errno;
    length = sizeof(domain);
    if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0) return -errno;
    if (type != SOCK_STREAM || !accepts || (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)) return -EINVAL;
    if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0) return -errno;
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
    *is_tcp = domain != AF_UNIX;
    return 0;
}
