#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Newer than the headers of Debian 12 (Linux 6.1): from the kernel's include/uapi/linux/landlock.h.
#define ACCESS_FS_REFER (1ULL << 13)
#define ACCESS_FS_TRUNCATE (1ULL << 14)
#define ACCESS_FS_IOCTL_DEV (1ULL << 15)
#define ACCESS_NET_BIND_TCP (1ULL << 0)
#define ACCESS_NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)
#define RULE_NET_PORT 2

struct ruleset_attributes {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

struct net_port_attributes {
    uint64_t allowed_access;
    uint64_t port;
};

uint64_t sallyport_landlock_read_file(void) { return LANDLOCK_ACCESS_FS_READ_FILE; }

uint64_t sallyport_landlock_read_folder(void) { return LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR; }

uint64_t sallyport_landlock_use_folder(void) {
    return LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
           LANDLOCK_ACCESS_FS_REMOVE_FILE | ACCESS_FS_TRUNCATE;
}

int sallyport_landlock_abi(void) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : (int)abi;
}

static uint64_t file_rights(int abi) {
    uint64_t rights = (1ULL << 13) - 1;
    if (abi >= 2) rights |= ACCESS_FS_REFER;
    if (abi >= 3) rights |= ACCESS_FS_TRUNCATE;
    if (abi >= 5) rights |= ACCESS_FS_IOCTL_DEV;
    return rights;
}

static int add_path(int ruleset, const struct sallyport_path_rule *rule, uint64_t handled) {
    int descriptor = open(rule->path, O_PATH | O_CLOEXEC);
    if (descriptor < 0) return errno == ENOENT ? 0 : -errno;
    struct landlock_path_beneath_attr beneath = {.allowed_access = rule->access & handled, .parent_fd = descriptor};
    int result = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    int error = errno;
    close(descriptor);
    return result < 0 ? -error : 0;
}

int sallyport_landlock_restrict(
    const struct sallyport_path_rule *paths, size_t path_count, const uint16_t *connect_ports, size_t port_count, int signals,
    const char **step) {
    int abi = sallyport_landlock_abi();
    if (abi == 0) return 0;
    struct ruleset_attributes attributes = {.handled_access_fs = file_rights(abi)};
    if (abi >= 4) attributes.handled_access_net = ACCESS_NET_BIND_TCP | ACCESS_NET_CONNECT_TCP;
    if (abi >= 6) attributes.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | (signals ? 0 : SCOPE_SIGNAL);
    size_t size = abi >= 6 ? sizeof(attributes) : abi >= 4 ? 16 : 8;
    *step = "landlock_create_ruleset";
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
    if (ruleset < 0) return -errno;
    int result = 0;
    *step = "landlock_add_rule for a path";
    for (size_t index = 0; index < path_count && result == 0; index++) {
        result = add_path(ruleset, &paths[index], attributes.handled_access_fs);
    }
    if (result == 0) *step = "landlock_add_rule for a port";
    for (size_t index = 0; abi >= 4 && index < port_count && result == 0; index++) {
        struct net_port_attributes port = {.allowed_access = ACCESS_NET_CONNECT_TCP, .port = connect_ports[index]};
        if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &port, 0) < 0) result = -errno;
    }
    if (result == 0) {
        *step = "landlock_restrict_self";
        if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) result = -errno;
    }
    close(ruleset);
    return result < 0 ? result : abi;
}

int sallyport_seccomp_load(const void *program, size_t count) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -errno;
    struct sock_fprog filter = {.len = (unsigned short)count, .filter = (struct sock_filter *)program};
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    // A thread that could not be brought along is named by its id.
    return result < 0 ? -errno : result > 0 ? -EAGAIN : 0;
}

int sallyport_seccomp_probe(const void *program, size_t count) {
    pid_t child = fork();
    if (child < 0) return -1;
    if (child == 0) {
        if (sallyport_seccomp_load(program, count) != 0) _exit(2);
        char *const none[] = {NULL};
        syscall(SYS_execve, "/bin/true", none, none);
        _exit(1);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return -1;
    }
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? 0 : -1;
}

int sallyport_memory_file(const char *name) {
    int descriptor = memfd_create(name, MFD_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}
