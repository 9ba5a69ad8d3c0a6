#define _GNU_SOURCE
// From the start of a program to READY=1 of sd_notify(3): a line a start, in microseconds. Each is told to stop then, and waited for.
//
//     ready-loop COUNT LOG-FILE PROGRAM ARGUMENTS...
#include <sys/un.h>
#include <sys/wait.h>

#include "load.h"

int main(int count, char **arguments) {
    if (count < 4) stop("usage: COUNT LOG-FILE PROGRAM ARGUMENTS...");
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/ready-loop.%d", (int)getpid());
    if (bind(descriptor, (struct sockaddr *)&address, sizeof(address)) < 0) stop("bind");
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    struct timeval limit = {.tv_sec = 20};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    for (int left = atoi(arguments[1]); left > 0; left--) {
        int64_t start = now();
        pid_t child = fork();
        if (child == 0) {
            int log = open(arguments[2], O_WRONLY | O_CREAT | O_APPEND, 0600);
            dup2(log, 1);
            dup2(log, 2);
            execv(arguments[3], arguments + 3);
            _exit(127);
        }
        char text[4096] = "";
        do {
            ssize_t got = recv(descriptor, text, sizeof(text) - 1, 0);
            if (got < 0) {
                kill(child, SIGKILL);
                unlink(address.sun_path);
                stop("not ready within 20 s");
            }
            text[got] = 0;
        } while (strstr(text, "READY=1") == NULL);
        printf("%lld\n", (long long)(now() - start));
        fflush(stdout);
        kill(child, SIGTERM);
        waitpid(child, NULL, 0);
        // What it said at its end.
        while (recv(descriptor, text, sizeof(text), MSG_DONTWAIT) > 0) {}
    }
    unlink(address.sun_path);
    return 0;
}
