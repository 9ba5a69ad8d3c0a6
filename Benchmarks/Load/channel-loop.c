// The limit: one command after the other over one warm libssh2 connection, a channel each, with nothing around it.
//
//     channel-loop PORT USER PUBLIC-KEY PRIVATE-KEY COUNT PAUSE COMMAND
//
// PAUSE: microseconds before each. Prints one line a run, the microseconds from the request for a channel to the end of it.
#include <arpa/inet.h>
#include <libssh2.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void stop(const char *step) {
    fprintf(stderr, "channel-loop: %s failed\n", step);
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

int main(int count, char **arguments) {
    if (count != 8) stop("usage: PORT USER PUBLIC-KEY PRIVATE-KEY COUNT PAUSE COMMAND;");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) < 0) stop("connect");
    int one = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (libssh2_init(0) != 0) stop("libssh2_init");
    LIBSSH2_SESSION *session = libssh2_session_init();
    libssh2_session_method_pref(session, LIBSSH2_METHOD_CRYPT_CS, "aes256-ctr");
    libssh2_session_method_pref(session, LIBSSH2_METHOD_CRYPT_SC, "aes256-ctr");
    libssh2_session_method_pref(session, LIBSSH2_METHOD_MAC_CS, "hmac-sha2-256");
    libssh2_session_method_pref(session, LIBSSH2_METHOD_MAC_SC, "hmac-sha2-256");
    if (libssh2_session_handshake(session, descriptor) != 0) stop("handshake");
    if (libssh2_userauth_publickey_fromfile(session, arguments[2], arguments[3], arguments[4], NULL) != 0) stop("authentication");
    for (int left = atoi(arguments[5]); left > 0; left--) {
        usleep((useconds_t)atoi(arguments[6]));
        int64_t start = now();
        LIBSSH2_CHANNEL *channel = libssh2_channel_open_session(session);
        if (channel == NULL || libssh2_channel_exec(channel, arguments[7]) != 0) stop("exec");
        char buffer[4096];
        while (libssh2_channel_read(channel, buffer, sizeof(buffer)) > 0) {}
        libssh2_channel_close(channel);
        libssh2_channel_wait_closed(channel);
        if (libssh2_channel_get_exit_status(channel) != 0) stop("the command");
        libssh2_channel_free(channel);
        printf("%lld\n", (long long)(now() - start));
    }
    return 0;
}
