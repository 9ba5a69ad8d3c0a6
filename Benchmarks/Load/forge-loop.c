#define _GNU_SOURCE
// Forgers: requests whose signature is well formed and wrong, one after the other on each of several connections that are kept.
//
//     forge-loop PORT PATH BODY-FILE CONNECTIONS COUNT SECONDS
//
// Ends after COUNT answers or SECONDS. Says in one line how many were answered with what.
#include "load.h"

struct sender {
    size_t sent, received;
    char answer[8192];
};

int main(int count, char **arguments) {
    if (count != 7) stop("usage: PORT PATH BODY-FILE CONNECTIONS COUNT SECONDS");
    static char body[1 << 20], request[1 << 21], wrong[65];
    size_t body_length = contents(arguments[3], body, sizeof(body));
    memset(wrong, 'a', 64);
    size_t length = (size_t)snprintf(
        request, sizeof(request),
        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\n"
        "X-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958\r\nX-Hub-Signature-256: sha256=%s\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        arguments[2], wrong, body_length, body);
    prepare();
    int port = atoi(arguments[1]), connections = atoi(arguments[4]), left = atoi(arguments[5]), closed = 0;
    struct sender *senders = calloc((size_t)connections, sizeof(*senders));
    struct pollfd *places = calloc((size_t)connections, sizeof(*places));
    if (senders == NULL || places == NULL) stop("no memory");
    for (int index = 0; index < connections; index++) {
        places[index] = (struct pollfd){.fd = dial_unblocked(port, 1), .events = POLLOUT};
        if (places[index].fd < 0) stop("connect");
    }
    int64_t start = now(), end = start + (int64_t)atoi(arguments[6]) * 1000000;
    int answered = 0;
    while (answered < left && now() < end && closed < 100) {
        if (poll(places, (nfds_t)connections, 100) < 0) stop("poll");
        for (int index = 0; index < connections; index++) {
            struct sender *sender = &senders[index];
            struct pollfd *place = &places[index];
            if (place->revents == 0) continue;
            if (place->revents & POLLOUT) {
                ssize_t written = write(place->fd, request + sender->sent, length - sender->sent);
                if (written > 0) sender->sent += (size_t)written;
                if (sender->sent == length) place->events = POLLIN;
                continue;
            }
            ssize_t got = read(place->fd, sender->answer + sender->received, sizeof(sender->answer) - 1 - sender->received);
            if (got <= 0) {
                closed++;
                close(place->fd);
                place->fd = dial_unblocked(port, 1);
            } else {
                sender->received += (size_t)got;
                sender->answer[sender->received] = 0;
                int status = whole_answer(sender->answer, sender->received);
                if (status == 0) continue;
                statuses[status % 1000]++;
                answered++;
            }
            sender->sent = sender->received = 0;
            place->events = POLLOUT;
        }
    }
    printf("%.1f s, %d closed", (double)(now() - start) / 1e6, closed);
    print_statuses();
    return 0;
}
