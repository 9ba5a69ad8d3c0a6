#define _GNU_SOURCE
// Sends bodies far too large: announced with Content-Length, or in chunks whose sum nobody knows.
//
//     stream-loop PORT PATH MEBIBYTES CONNECTIONS SECONDS length|chunked
//
// Sends on until the body is out, the connection ends or SECONDS are over. Says in one line how much went out and what came back.
#include "load.h"

enum { chunk = 65536 };

int main(int count, char **arguments) {
    if (count != 7) stop("usage: PORT PATH MEBIBYTES CONNECTIONS SECONDS length|chunked");
    static char piece[chunk + 16], head[1024];
    int port = atoi(arguments[1]), connections = atoi(arguments[4]), chunked = strcmp(arguments[6], "chunked") == 0, closed = 0;
    int64_t whole = (int64_t)atoi(arguments[3]) << 20, total = 0;
    // A chunk is its length in hexadecimal, the bytes, and a line's end.
    size_t piece_length = chunk;
    memset(piece, ' ', sizeof(piece));
    if (chunked) {
        memcpy(piece, "10000\r\n", 7);
        memcpy(piece + 7 + chunk, "\r\n", 2);
        piece_length = chunk + 9;
    }
    int head_length = snprintf(
        head, sizeof(head),
        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\n"
        "X-GitHub-Delivery: large\r\nX-Hub-Signature-256: sha256=%064d\r\n",
        arguments[2], 0);
    head_length += chunked ? snprintf(head + head_length, 64, "Transfer-Encoding: chunked\r\n\r\n")
                           : snprintf(head + head_length, 64, "Content-Length: %lld\r\n\r\n", (long long)whole);
    prepare();
    struct pollfd *places = calloc((size_t)connections, sizeof(*places));
    int64_t *sent = calloc((size_t)connections, sizeof(*sent));
    if (places == NULL || sent == NULL) stop("no memory");
    for (int index = 0; index < connections; index++) {
        places[index] = (struct pollfd){.fd = dial_unblocked(port, 2), .events = POLLIN | POLLOUT};
        if (places[index].fd < 0 || write(places[index].fd, head, (size_t)head_length) != head_length) stop("connect");
    }
    int64_t start = now(), end = start + (int64_t)atoi(arguments[5]) * 1000000;
    while (closed < connections && now() < end) {
        if (poll(places, (nfds_t)connections, 100) < 0) stop("poll");
        for (int index = 0; index < connections; index++) {
            struct pollfd *place = &places[index];
            if (place->fd < 0 || place->revents == 0) continue;
            char answer[4096];
            ssize_t got = place->revents & POLLIN ? read(place->fd, answer, sizeof(answer) - 1) : -1;
            if (got > 12) {
                answer[got] = 0;
                statuses[atoi(answer + 9) % 1000]++;
            }
            // Whoever is refused goes on sending: this is no sender to be polite with.
            size_t from = (size_t)(sent[index] % (int64_t)piece_length);
            ssize_t written = 0;
            if (sent[index] < whole && place->revents & POLLOUT) written = write(place->fd, piece + from, piece_length - from);
            if (written > 0) {
                sent[index] += written;
                total += written;
            }
            if (sent[index] >= whole) place->events = POLLIN;
            if (got == 0 || (written < 0 && errno != EAGAIN) || place->revents & (POLLERR | POLLHUP)) {
                closed++;
                close(place->fd);
                place->fd = -1;
            }
        }
    }
    printf("%.2f s, %.1f MiB sent, %d of %d closed", (double)(now() - start) / 1e6, (double)total / 1048576, closed, connections);
    print_statuses();
    return 0;
}
