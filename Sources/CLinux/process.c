#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int sallyport_reset_crash_signals(void) {
    static const int signals[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV};
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;
    for (unsigned index = 0; index < sizeof(signals) / sizeof(signals[0]); index++) {
        if (sigaction(signals[index], &action, NULL) < 0) return -errno;
    }
    action.sa_handler = SIG_IGN;
    return sigaction(SIGPIPE, &action, NULL) < 0 ? -errno : 0;
}

int sallyport_no_core_dumps(void) {
    struct rlimit limit = {0, 0};
    return setrlimit(RLIMIT_CORE, &limit) < 0 ? -errno : 0;
}

int sallyport_all_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

int sallyport_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    return limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
}

int sallyport_not_dumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0; }

int sallyport_is_dumpable(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }

int sallyport_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0; }

static int has_any(const struct __user_cap_data_struct data[2]) {
    unsigned any = 0;
    for (int half = 0; half < 2; half++) any |= data[half].effective | data[half].permitted | data[half].inheritable;
    return any != 0;
}

int sallyport_drop_capabilities(void) {
    for (int capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 1) continue;
        // Without CAP_SETPCAP there is nothing to give up that could be used.
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EPERM) return -errno;
    }
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    memset(data, 0, sizeof(data));
    // Where there are none, whoever started this process may have forbidden capset(2) as well.
    if (syscall(SYS_capget, &header, data) == 0 && !has_any(data)) return 0;
    memset(data, 0, sizeof(data));
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int sallyport_parent_death_signal(void) {
    int signal = 0;
    return prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0) < 0 ? -errno : signal;
}

int sallyport_follow_parent(int signal, int expected) {
    if (prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) < 0) return -errno;
    return getppid() == expected ? 0 : -ESRCH;
}

static void close_from_to(unsigned first, unsigned last) {
    if (first > last) return;
    if (syscall(SYS_close_range, first, last, 0) == 0) return;
    // Before Linux 5.9.
    for (unsigned descriptor = first; descriptor <= last && descriptor < 65536; descriptor++) close((int)descriptor);
}

void sallyport_close_from(int first) { close_from_to((unsigned)first, ~0U); }

int sallyport_fork_helper(int *channel) {
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
    pid_t child = fork();
    if (child < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return -error;
    }
    if (child > 0) {
        close(ends[1]);
        *channel = ends[0];
        return child;
    }
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent) _exit(1);
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++) explicit_bzero(*variable, strlen(*variable));
    clearenv();
    close_from_to(3, (unsigned)ends[1] - 1);
    close_from_to((unsigned)ends[1] + 1, ~0U);
    *channel = ends[1];
    return 0;
}

int sallyport_fork(void) {
    pid_t child = fork();
    return child < 0 ? -errno : child;
}

int sallyport_wait_for(int child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return -1;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

void sallyport_exit_now(int code) { _exit(code); }

void sallyport_name_process(const char *name) { (void)prctl(PR_SET_NAME, name, 0, 0, 0); }
