#define _GNU_SOURCE
// A sender: one signed delivery after the other over one connection, each a new event.
//
//     delivery-loop PORT PATH BODY-FILE SECRET-FILE TOKEN-FILE COUNT
//
// Prints one line a delivery, the microseconds from its first byte to the last of the answer. Any status but 200 ends it.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// Microseconds before each run: what the one before left to do, on the host too, shall not be counted.
#ifndef PAUSE
#define PAUSE 20000
#endif

static void stop(const char *step) {
    fprintf(stderr, "delivery-loop: %s\n", step);
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static size_t contents(const char *path, char *text, size_t room) {
    FILE *file = fopen(path, "r");
    if (file == NULL) stop(path);
    size_t length = fread(text, 1, room - 1, file);
    fclose(file);
    text[length] = 0;
    return length;
}

// Reads one answer whole; returns its status.
static int answer(int descriptor) {
    static char buffer[65536];
    size_t length = 0;
    for (;;) {
        ssize_t count = read(descriptor, buffer + length, sizeof(buffer) - 1 - length);
        if (count <= 0) stop("the connection ended");
        length += (size_t)count;
        buffer[length] = 0;
        char *end = strstr(buffer, "\r\n\r\n");
        char *field = strcasestr(buffer, "content-length:");
        if (end == NULL || field == NULL) continue;
        if ((size_t)(end + 4 - buffer) + strtoul(field + 15, NULL, 10) <= length) return atoi(buffer + 9);
    }
}

int main(int count, char **arguments) {
    if (count != 7) stop("usage: PORT PATH BODY-FILE SECRET-FILE TOKEN-FILE COUNT");
    static char body[1 << 20], secret[1024], token[8192], request[1 << 20];
    size_t body_length = contents(arguments[3], body, sizeof(body));
    size_t secret_length = contents(arguments[4], secret, sizeof(secret));
    contents(arguments[5], token, sizeof(token));
    secret[strcspn(secret, "\n")] = token[strcspn(token, "\n")] = 0;
    secret_length = strlen(secret);
    unsigned char mac[32], signature[64];
    HMAC(EVP_sha256(), secret, (int)secret_length, (unsigned char *)body, body_length, mac, NULL);
    EVP_EncodeBlock(signature, mac, 32);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) < 0) stop("connect");
    int one = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    for (int left = atoi(arguments[6]); left > 0; left--) {
        int length = snprintf(
            request, sizeof(request),
            "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Hookdeck-EventID: evt_%d_%d\r\n"
            "X-Hookdeck-Attempt-Count: 1\r\nX-Hookdeck-Signature: %s\r\nX-Sallyport-Token: %s\r\nContent-Length: %zu\r\n\r\n%s",
            arguments[2], (int)getpid(), left, signature, token, body_length, body);
        usleep(PAUSE);
        int64_t start = now();
        if (write(descriptor, request, (size_t)length) != length) stop("write");
        int status = answer(descriptor);
        if (status != 200) {
            fprintf(stderr, "delivery-loop: status %d\n", status);
            exit(1);
        }
        printf("%lld\n", (long long)(now() - start));
    }
    return 0;
}
