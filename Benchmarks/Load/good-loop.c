#define _GNU_SOURCE
// A sender that means well: a signed delivery every 100 ms, each a new event, in turns over a kept connection and over a new one.
//
//     good-loop PORT PATH BODY-FILE SECRET-FILE SECONDS
//
// Prints a line a delivery: kept or new, the status (0: no answer within 5 s, or the connection was closed) and the microseconds
// from when it was due to the last byte of its answer; what waits for the one before it counts too.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "load.h"

static int open_patient(int port) {
    int descriptor = dial(port, 1);
    struct timeval limit = {.tv_sec = 5};
    if (descriptor < 0) return -1;
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    return descriptor;
}

// The status of one delivery; 0 where there is none.
static int deliver(int descriptor, const char *request, size_t length) {
    static char buffer[65536];
    if (descriptor < 0 || write(descriptor, request, length) != (ssize_t)length) return 0;
    for (size_t got = 0; got < sizeof(buffer) - 1;) {
        ssize_t more = read(descriptor, buffer + got, sizeof(buffer) - 1 - got);
        if (more <= 0) return 0;
        got += (size_t)more;
        buffer[got] = 0;
        int status = whole_answer(buffer, got);
        if (status != 0) return status;
    }
    return 0;
}

int main(int count, char **arguments) {
    if (count != 6) stop("usage: PORT PATH BODY-FILE SECRET-FILE SECONDS");
    static char body[1 << 20], secret[1024], request[1 << 21];
    size_t body_length = contents(arguments[3], body, sizeof(body));
    contents(arguments[4], secret, sizeof(secret));
    secret[strcspn(secret, "\n")] = 0;
    unsigned char mac[32];
    char signature[65];
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)body, body_length, mac, NULL);
    for (int index = 0; index < 32; index++) snprintf(signature + 2 * index, 3, "%02x", mac[index]);
    prepare();
    int port = atoi(arguments[1]), kept = open_patient(port);
    int64_t due = now(), end = due + (int64_t)atoi(arguments[5]) * 1000000;
    for (int number = 0; due < end; number++, due += 100000) {
        int64_t early = due - now();
        if (early > 0) usleep((useconds_t)early);
        int length = snprintf(
            request, sizeof(request),
            "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\n"
            "X-GitHub-Delivery: %d-%d\r\nX-Hub-Signature-256: sha256=%s\r\nContent-Length: %zu\r\n\r\n%s",
            arguments[2], (int)getpid(), number, signature, body_length, body);
        int descriptor = number % 2 == 0 ? kept : open_patient(port);
        int status = deliver(descriptor, request, (size_t)length);
        printf("%s %d %lld\n", number % 2 == 0 ? "kept" : "new", status, (long long)(now() - due));
        if (descriptor >= 0 && (number % 2 == 1 || status == 0)) close(descriptor);
        if (number % 2 == 0 && status == 0) kept = open_patient(port);
    }
    return 0;
}
