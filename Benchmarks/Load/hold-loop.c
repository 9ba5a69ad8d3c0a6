#define _GNU_SOURCE
// Holds connections: without a word, or with one byte of a head a second.
//
//     hold-loop PORT CONNECTIONS SECONDS SOURCES idle|slow
//
// At most 2000 connections a second are made, and none after SECONDS. They come from SOURCES loopback addresses, 127.0.0.2
// and on, in turns. Says in one line what became of them.
#include "load.h"

int main(int count, char **arguments) {
    if (count != 6) stop("usage: PORT CONNECTIONS SECONDS SOURCES idle|slow");
    static const char head[] = "POST /hooks/bench HTTP/1.1\r\nHost: localhost\r\nX-Filler: ";
    prepare();
    int port = atoi(arguments[1]), connections = atoi(arguments[2]), sources = atoi(arguments[4]);
    int refused = 0, closed = 0, open = 0;
    int slow = strcmp(arguments[5], "slow") == 0;
    struct pollfd *places = calloc((size_t)connections, sizeof(*places));
    if (places == NULL) stop("no memory");
    int64_t start = now(), end = start + (int64_t)atoi(arguments[3]) * 1000000, first = 0, last = 0;
    for (int index = 0; index < connections; index++) {
        places[index] = (struct pollfd){.fd = -1, .events = POLLIN};
        // Connections beyond the listener's backlog would wait for the kernel's next try, a second later.
        if (index % 100 == 99) usleep(50000);
        if (now() < end) places[index].fd = dial_unblocked(port, 2 + index % sources);
        if (places[index].fd < 0) refused++;
    }
    int64_t made = now(), next = made;
    for (int second = 0; now() < end;) {
        if (slow && now() >= next) {
            const char *byte = second < (int)sizeof(head) - 1 ? head + second : "x";
            for (int index = 0; index < connections; index++)
                if (places[index].fd >= 0 && write(places[index].fd, byte, 1) < 0) {}
            second++;
            next += 1000000;
        }
        if (poll(places, (nfds_t)connections, 100) < 0) stop("poll");
        for (int index = 0; index < connections; index++) {
            if (places[index].fd < 0 || places[index].revents == 0) continue;
            char answer[4096];
            ssize_t got = read(places[index].fd, answer, sizeof(answer) - 1);
            if (got > 12) {
                answer[got] = 0;
                statuses[atoi(answer + 9) % 1000]++;
                continue;
            }
            if (got < 0 && errno == EAGAIN) continue;
            closed++;
            if (first == 0) first = now();
            last = now();
            close(places[index].fd);
            places[index].fd = -1;
        }
    }
    for (int index = 0; index < connections; index++) open += places[index].fd >= 0;
    printf("%d connections made in %.1f s, %d refused", connections - refused, (double)(made - start) / 1e6, refused);
    printf(", %d closed", closed);
    if (closed > 0) printf(" after %.1f to %.1f s", (double)(first - start) / 1e6, (double)(last - start) / 1e6);
    printf(", %d open at the end", open);
    print_statuses();
    return 0;
}
