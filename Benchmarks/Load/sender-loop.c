#define _GNU_SOURCE
// Senders that mean well: signed deliveries, each a new event, one after the other on each of several connections that are kept.
//
//     sender-loop PORT PATH BODY-FILE SECRET-FILE TOKEN-FILE|- CONNECTIONS COUNT PAUSE SECONDS
//
// PAUSE: microseconds between an answer and the next delivery of its connection. Prints a line an answer, the microseconds from the
// delivery's first byte to the answer's last. Ends after COUNT answers or SECONDS; says on standard error what was answered otherwise
// than by 200 or 202, or not at all, and fails then. Both of GitHub's and Hookdeck's headers are sent. EVENTS in the environment: only so
// many events, each sent again and again.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "load.h"

struct sender {
    int descriptor;
    size_t length, sent, received;
    int64_t due, begun;
    char *request, *answer;
};

static char body[1 << 20], secret[1024], token[8192], head[16384];
static const size_t answer_room = 16384;

int main(int count, char **arguments) {
    if (count != 10) stop("usage: PORT PATH BODY-FILE SECRET-FILE TOKEN-FILE|- CONNECTIONS COUNT PAUSE SECONDS");
    size_t body_length = contents(arguments[3], body, sizeof(body));
    contents(arguments[4], secret, sizeof(secret));
    secret[strcspn(secret, "\n")] = 0;
    if (strcmp(arguments[5], "-") != 0) contents(arguments[5], token, sizeof(token));
    token[strcspn(token, "\n")] = 0;
    unsigned char mac[32], base64[64];
    char hexadecimal[65];
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)body, body_length, mac, NULL);
    EVP_EncodeBlock(base64, mac, 32);
    for (int index = 0; index < 32; index++) snprintf(hexadecimal + 2 * index, 3, "%02x", mac[index]);
    prepare();
    int port = atoi(arguments[1]), connections = atoi(arguments[6]), all = atoi(arguments[7]), begun = 0, answered = 0, wrong = 0;
    int events = getenv("EVENTS") != NULL ? atoi(getenv("EVENTS")) : all;
    int64_t pause = atoll(arguments[8]), end = now() + (int64_t)atoi(arguments[9]) * 1000000;
    struct sender *senders = calloc((size_t)connections, sizeof(*senders));
    struct pollfd *places = calloc((size_t)connections, sizeof(*places));
    if (senders == NULL || places == NULL) stop("no memory");
    for (int index = 0; index < connections; index++) {
        senders[index].request = malloc(sizeof(head) + body_length);
        senders[index].answer = malloc(answer_room);
        // Not all at once, where there are pauses.
        senders[index].due = now() + pause * index / connections;
        places[index].fd = dial_unblocked(port, 1);
        if (places[index].fd < 0) stop("connect");
    }
    while (answered < all && now() < end) {
        int64_t next = end;
        for (int index = 0; index < connections; index++) {
            struct sender *sender = &senders[index];
            if (places[index].events != 0 || begun == all) continue;
            if (sender->due > now()) {
                if (sender->due < next) next = sender->due;
                continue;
            }
            int length = snprintf(
                head, sizeof(head),
                "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\n"
                "X-GitHub-Delivery: %d-%d\r\nX-Hub-Signature-256: sha256=%s\r\nX-Hookdeck-EventID: evt_%d_%d\r\n"
                "X-Hookdeck-Attempt-Count: 1\r\nX-Hookdeck-Signature: %s\r\n%s%s%sContent-Length: %zu\r\n\r\n",
                arguments[2], (int)getpid(), begun % events, hexadecimal, (int)getpid(), begun % events, base64,
                token[0] != 0 ? "X-Sallyport-Token: " : "", token, token[0] != 0 ? "\r\n" : "", body_length);
            memcpy(sender->request, head, (size_t)length);
            memcpy(sender->request + length, body, body_length);
            sender->length = (size_t)length + body_length;
            sender->sent = sender->received = 0;
            sender->begun = now();
            places[index].events = POLLOUT;
            begun++;
        }
        int64_t left = next - now();
        if (poll(places, (nfds_t)connections, left > 0 ? (int)(left / 1000) : 0) < 0) stop("poll");
        for (int index = 0; index < connections; index++) {
            struct sender *sender = &senders[index];
            struct pollfd *place = &places[index];
            if (place->revents == 0 || place->events == 0) continue;
            if (place->revents & POLLOUT) {
                ssize_t written = write(place->fd, sender->request + sender->sent, sender->length - sender->sent);
                if (written > 0) sender->sent += (size_t)written;
                if (sender->sent == sender->length) place->events = POLLIN;
                continue;
            }
            ssize_t got = read(place->fd, sender->answer + sender->received, answer_room - 1 - sender->received);
            if (got <= 0) stop("a connection ended");
            sender->received += (size_t)got;
            sender->answer[sender->received] = 0;
            int status = whole_answer(sender->answer, sender->received);
            if (status == 0) continue;
            answered++;
            if (status != 200 && status != 202) {
                wrong++;
                statuses[status % 1000]++;
            }
            printf("%lld\n", (long long)(now() - sender->begun));
            place->events = 0;
            sender->due = now() + pause;
        }
    }
    if (wrong == 0 && answered == all) return 0;
    fprintf(stderr, "sender-loop: %d of %d answered, %d otherwise than 200 or 202", answered, all, wrong);
    for (int status = 0; status < 1000; status++)
        if (statuses[status] > 0) fprintf(stderr, ", %d answered %d", statuses[status], status);
    fprintf(stderr, "\n");
    return 1;
}
