// What the load programs have in common: time, loopback connections that never block, statuses counted.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static inline void stop(const char *step) {
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, step);
    exit(1);
}

// Microseconds.
static inline int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static inline size_t contents(const char *path, char *text, size_t room) {
    FILE *file = fopen(path, "r");
    if (file == NULL) stop(path);
    size_t length = fread(text, 1, room - 1, file);
    fclose(file);
    text[length] = 0;
    return length;
}

// As many descriptors as the hard limit gives, and no signal for a connection that the other end closed.
static inline void prepare(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    signal(SIGPIPE, SIG_IGN);
}

// A connection from 127.0.0.SOURCE, made when this returns; -1 where there is none.
static inline int dial(int port, int source) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (descriptor < 0) stop("no descriptor left; raise ulimit -n");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (uint32_t)source)};
    setsockopt(descriptor, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof(one));
    if (bind(descriptor, (struct sockaddr *)&address, sizeof(address)) < 0) stop("bind");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)port);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) < 0) {
        close(descriptor);
        return -1;
    }
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return descriptor;
}

static inline int dial_unblocked(int port, int source) {
    int descriptor = dial(port, source);
    if (descriptor >= 0) fcntl(descriptor, F_SETFL, O_NONBLOCK);
    return descriptor;
}

// The status of the answer that is whole in `text`; 0 while it is not.
static inline int whole_answer(const char *text, size_t length) {
    const char *end = strstr(text, "\r\n\r\n"), *field = strcasestr(text, "content-length:");
    if (end == NULL) return 0;
    size_t body = field != NULL && field < end ? strtoul(field + 15, NULL, 10) : 0;
    return (size_t)(end + 4 - text) + body <= length ? atoi(text + 9) : 0;
}

static int statuses[1000];

static inline void print_statuses(void) {
    for (int status = 0; status < 1000; status++)
        if (statuses[status] > 0) printf(", %d answered %d", statuses[status], status);
    printf("\n");
}
