#define _GNU_SOURCE
#include "lookup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct question {
    struct question *next;
    char host[256];
    struct sallyport_lookup_answer answer;
};

struct list {
    struct question *first;
    struct question **last;
};

struct sallyport_lookups {
    pthread_mutex_t lock;
    pthread_cond_t asked;
    struct list waiting;
    struct list answered;
    sallyport_lookup_function function;
    /// Questions that wait, are being answered or whose answer is not taken, and how many there may be.
    size_t count;
    size_t maximum;
    /// Threads, and whoever made this.
    size_t owners;
    int is_stopped;
    int descriptor;
};

static void append(struct list *list, struct question *question) {
    question->next = NULL;
    *list->last = question;
    list->last = &question->next;
}

static struct question *take_first(struct list *list) {
    struct question *first = list->first;
    if (first == NULL) return NULL;
    list->first = first->next;
    if (list->first == NULL) list->last = &list->first;
    return first;
}

/// Gives up a share; call with the lock held, which is let go.
static void leave(struct sallyport_lookups *lookups) {
    size_t owners = --lookups->owners;
    pthread_mutex_unlock(&lookups->lock);
    if (owners > 0) return;
    struct question *question;
    while ((question = take_first(&lookups->waiting)) != NULL) free(question);
    while ((question = take_first(&lookups->answered)) != NULL) free(question);
    close(lookups->descriptor);
    pthread_cond_destroy(&lookups->asked);
    pthread_mutex_destroy(&lookups->lock);
    free(lookups);
}

static void *serve(void *context) {
    struct sallyport_lookups *lookups = context;
    pthread_mutex_lock(&lookups->lock);
    while (!lookups->is_stopped) {
        struct question *question = take_first(&lookups->waiting);
        if (question == NULL) {
            pthread_cond_wait(&lookups->asked, &lookups->lock);
            continue;
        }
        pthread_mutex_unlock(&lookups->lock);
        struct sallyport_lookup_answer *answer = &question->answer;
        answer->result = lookups->function(question->host, 0, answer->addresses, SALLYPORT_LOOKUP_ADDRESSES);
        pthread_mutex_lock(&lookups->lock);
        append(&lookups->answered, question);
        // A counter that is readable: it can only be full when nobody has looked for 2^64 answers.
        uint64_t one = 1;
        (void)!write(lookups->descriptor, &one, sizeof(one));
    }
    leave(lookups);
    return NULL;
}

static int start_thread(struct sallyport_lookups *lookups) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    // glibc's resolver keeps answers on the stack.
    pthread_attr_setstacksize(&attributes, 512 * 1024);
    // Signals are for the thread that polls.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int error = pthread_create(&thread, &attributes, serve, lookups);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

struct sallyport_lookups *sallyport_lookups_make(size_t maximum, sallyport_lookup_function function) {
    struct sallyport_lookups *lookups = calloc(1, sizeof(*lookups));
    if (lookups == NULL) return NULL;
    lookups->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lookups->descriptor < 0) {
        free(lookups);
        return NULL;
    }
    pthread_mutex_init(&lookups->lock, NULL);
    pthread_cond_init(&lookups->asked, NULL);
    lookups->waiting.last = &lookups->waiting.first;
    lookups->answered.last = &lookups->answered.first;
    lookups->function = function;
    lookups->maximum = maximum;
    lookups->owners = 1;
    return lookups;
}

int sallyport_lookups_start(struct sallyport_lookups *lookups, size_t threads) {
    for (size_t index = 0; index < threads; index++) {
        pthread_mutex_lock(&lookups->lock);
        int error = start_thread(lookups);
        if (error == 0) lookups->owners++;
        pthread_mutex_unlock(&lookups->lock);
        if (error != 0) return -error;
    }
    return 0;
}

int sallyport_lookups_descriptor(const struct sallyport_lookups *lookups) { return lookups->descriptor; }

int sallyport_lookups_ask(struct sallyport_lookups *lookups, uint64_t id, const char *host) {
    struct question *question = calloc(1, sizeof(*question));
    if (question == NULL) return -EAGAIN;
    size_t length = strlen(host);
    if (length >= sizeof(question->host)) {
        free(question);
        return -EINVAL;
    }
    memcpy(question->host, host, length + 1);
    question->answer.id = id;
    pthread_mutex_lock(&lookups->lock);
    int is_full = lookups->count >= lookups->maximum;
    if (!is_full) {
        lookups->count++;
        append(&lookups->waiting, question);
        pthread_cond_signal(&lookups->asked);
    }
    pthread_mutex_unlock(&lookups->lock);
    if (is_full) free(question);
    return is_full ? -EAGAIN : 0;
}

int sallyport_lookups_is_waiting(struct sallyport_lookups *lookups, uint64_t id) {
    pthread_mutex_lock(&lookups->lock);
    struct question *question = lookups->waiting.first;
    while (question != NULL && question->answer.id != id) question = question->next;
    pthread_mutex_unlock(&lookups->lock);
    return question != NULL;
}

void sallyport_lookups_forget(struct sallyport_lookups *lookups, uint64_t id) {
    pthread_mutex_lock(&lookups->lock);
    struct question **link = &lookups->waiting.first;
    while (*link != NULL && (*link)->answer.id != id) link = &(*link)->next;
    struct question *found = *link;
    if (found != NULL) {
        *link = found->next;
        if (found->next == NULL) lookups->waiting.last = link;
        lookups->count--;
    }
    pthread_mutex_unlock(&lookups->lock);
    free(found);
}

int sallyport_lookups_take(struct sallyport_lookups *lookups, struct sallyport_lookup_answer *answer) {
    pthread_mutex_lock(&lookups->lock);
    struct question *question = take_first(&lookups->answered);
    if (question == NULL) {
        uint64_t count;
        (void)!read(lookups->descriptor, &count, sizeof(count));
    } else {
        lookups->count--;
    }
    pthread_mutex_unlock(&lookups->lock);
    if (question == NULL) return 0;
    *answer = question->answer;
    free(question);
    return 1;
}

void sallyport_lookups_stop(struct sallyport_lookups *lookups) {
    pthread_mutex_lock(&lookups->lock);
    lookups->is_stopped = 1;
    pthread_cond_broadcast(&lookups->asked);
    leave(lookups);
}
