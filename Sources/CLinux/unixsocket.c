#define _GNU_SOURCE
#include "unixsocket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int address_of(const char *path, struct sockaddr_un *address) {
    size_t length = strlen(path);
    if (length == 0 || length > sizeof(address->sun_path) - 1) return -ENAMETOOLONG;
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length + 1);
    return 0;
}

static int failed(int descriptor, const char **step, const char *name) {
    int error = errno;
    if (descriptor >= 0) close(descriptor);
    *step = name;
    return -error;
}

int sallyport_unix_path_limit(void) { return (int)sizeof(((struct sockaddr_un *)0)->sun_path) - 1; }

static int connect_to(const char *path, int flags) {
    struct sockaddr_un address;
    int result = address_of(path, &address);
    if (result < 0) return result;
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (descriptor < 0) return -errno;
    if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) < 0) {
        result = -errno;
        close(descriptor);
        return result;
    }
    return descriptor;
}

int sallyport_unix_connect(const char *path) { return connect_to(path, 0); }

int sallyport_unix_listen(const char *path, unsigned int mode, int backlog, const char **step) {
    struct sockaddr_un address;
    struct stat node;
    *step = "path";
    int result = address_of(path, &address);
    if (result < 0) return result;
    if (lstat(path, &node) == 0) {
        if (!S_ISSOCK(node.st_mode)) {
            *step = "something that is no socket is at the path";
            return -EEXIST;
        }
        // Only a socket that refuses belongs to nobody. One that answers, is busy or of another kind is somebody's.
        int probe = connect_to(path, SOCK_NONBLOCK);
        if (probe >= 0) close(probe);
        if (probe != -ECONNREFUSED) {
            *step = "another process has a socket at the path";
            return probe >= 0 || probe == -EAGAIN ? -EADDRINUSE : probe;
        }
        if (unlink(path) < 0) return failed(-1, step, "unlink");
    } else if (errno != ENOENT) {
        return failed(-1, step, "lstat");
    }
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return failed(-1, step, "socket");
    if (fchmod(descriptor, mode) < 0) return failed(descriptor, step, "fchmod");
    // bind(2) still takes the umask off the descriptor's mode.
    mode_t previous = umask(0777 & ~mode);
    int bound = bind(descriptor, (struct sockaddr *)&address, sizeof(address));
    int error = errno;
    umask(previous);
    errno = error;
    if (bound < 0) return failed(descriptor, step, "bind");
    if (listen(descriptor, backlog) < 0) return failed(descriptor, step, "listen");
    return descriptor;
}

int sallyport_unix_peer(int descriptor, uint32_t *uid, int32_t *pid) {
    struct ucred credentials;
    socklen_t length = sizeof(credentials);
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -errno;
    *uid = credentials.uid;
    *pid = credentials.pid;
    return 0;
}
