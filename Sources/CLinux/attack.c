#define _GNU_SOURCE
#include "attack.h"

#include "sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

long sallyport_system_call(long number, const long *arguments) {
    long result = syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
    return result < 0 ? -errno : result;
}

long sallyport_foreign_call(void) {
#if defined(__x86_64__)
    long result = 20;
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return result;
#else
    return -ENOSYS;
#endif
}

struct call {
    int descriptor;
    int answer;
    long number;
    long arguments[6];
};

static void *wait_and_call(void *argument) {
    struct call call = *(struct call *)argument;
    free(argument);
    char byte;
    if (read(call.descriptor, &byte, 1) == 1) {
        long result = sallyport_system_call(call.number, call.arguments);
        if (write(call.answer, &result, sizeof(result)) < 0) return NULL;
    }
    return NULL;
}

int sallyport_thread_that_calls(int descriptor, int answer, long number, const long *arguments) {
    struct call *call = malloc(sizeof(*call));
    if (call == NULL) return -ENOMEM;
    *call = (struct call){.descriptor = descriptor, .answer = answer, .number = number};
    memcpy(call->arguments, arguments, sizeof(call->arguments));
    pthread_t thread;
    int result = pthread_create(&thread, NULL, wait_and_call, call);
    if (result != 0) free(call);
    return -result;
}

int sallyport_end_of(int child, int *dumped) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return -errno;
    }
    *dumped = WIFSIGNALED(status) && WCOREDUMP(status);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int sallyport_load_library(const char *name) { return dlopen(name, RTLD_NOW) == NULL ? -EACCES : 0; }

int sallyport_call_under_filter(const void *program, size_t count, long number, const long *arguments, long *result) {
    int ends[2];
    if (pipe(ends) < 0) return -errno;
    pid_t child = fork();
    if (child < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return -error;
    }
    if (child == 0) {
        alarm(2);
        long answer = sallyport_seccomp_load(program, count);
        if (answer == 0) answer = sallyport_system_call(number, arguments);
        syscall(SYS_write, ends[1], &answer, sizeof(answer));
        syscall(SYS_exit_group, 0);
        _exit(0);
    }
    close(ends[1]);
    *result = 0;
    ssize_t length = read(ends[0], result, sizeof(*result));
    close(ends[0]);
    int dumped = 0;
    int end = sallyport_end_of(child, &dumped);
    return length == sizeof(*result) ? 0 : end;
}
