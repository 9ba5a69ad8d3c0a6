#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tcp.h"

#pragma clang assume_nonnull begin

/// Addresses that are taken of one name: no answer makes a connection try more.
#define SALLYPORT_LOOKUP_ADDRESSES 8

/// What a name came to.
struct sallyport_lookup_answer {
    uint64_t id;
    /// How many addresses there are, or an EAI_* code.
    int result;
    struct sallyport_address addresses[SALLYPORT_LOOKUP_ADDRESSES];
};

/// Threads that look names up, and what waits for them.
struct sallyport_lookups;

/// As sallyport_tcp_addresses; tests give another.
typedef int (*sallyport_lookup_function)(const char *host, int is_numeric, struct sallyport_address *addresses, size_t capacity);

/// Questions are taken from now on, at most `maximum` at once; they wait until there are threads. NULL with errno set on failure.
struct sallyport_lookups *_Nullable sallyport_lookups_make(size_t maximum, sallyport_lookup_function function);

/// Starts all threads there will be: 0 or -errno. None is made afterwards.
int sallyport_lookups_start(struct sallyport_lookups *lookups, size_t threads);

/// Readable when there is an answer to take.
int sallyport_lookups_descriptor(const struct sallyport_lookups *lookups);

/// Asks for a name of at most 255 bytes: 0, -EAGAIN when too many wait, -EINVAL for a longer one.
int sallyport_lookups_ask(struct sallyport_lookups *lookups, uint64_t id, const char *host);

/// Nobody has begun to answer a question: all threads are held up by others.
int sallyport_lookups_is_waiting(struct sallyport_lookups *lookups, uint64_t id);

/// Takes a question back that nobody has begun to answer. The answer of one that is being looked up still comes.
void sallyport_lookups_forget(struct sallyport_lookups *lookups, uint64_t id);

/// The next answer: 1, or 0 when there is none.
int sallyport_lookups_take(struct sallyport_lookups *lookups, struct sallyport_lookup_answer *answer);

/// Ends the threads that wait; one that is held up by a name server ends when that lets it go.
void sallyport_lookups_stop(struct sallyport_lookups *lookups);

#pragma clang assume_nonnull end
