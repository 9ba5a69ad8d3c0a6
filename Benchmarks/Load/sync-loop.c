#define _GNU_SOURCE
// The disk's limit: records written to a file one after the other, each durable (fdatasync(2)) before the next.
//
//     sync-loop FILE BYTES COUNT
//
// Prints how many in a second.
#include "load.h"

int main(int count, char **arguments) {
    if (count != 4) stop("usage: FILE BYTES COUNT");
    size_t bytes = strtoul(arguments[2], NULL, 10);
    char *record = calloc(1, bytes);
    int descriptor = open(arguments[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600), all = atoi(arguments[3]);
    if (descriptor < 0 || record == NULL) stop(arguments[1]);
    int64_t start = now();
    for (int left = all; left > 0; left--)
        if (write(descriptor, record, bytes) != (ssize_t)bytes || fdatasync(descriptor) < 0) stop("write");
    printf("%.1f\n", all * 1e6 / (double)(now() - start));
    return 0;
}
