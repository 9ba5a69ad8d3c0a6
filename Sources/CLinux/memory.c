#define _GNU_SOURCE
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t whole_pages(size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (size == 0) size = 1;
    return (size + page - 1) / page * page;
}

void *sallyport_secret_allocate(size_t size) {
    size_t length = whole_pages(size);
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    // Each of these lessens what a mistake elsewhere can leak; none is needed for the secret to work.
    (void)mlock(memory, length);
    (void)madvise(memory, length, MADV_DONTDUMP);
    (void)madvise(memory, length, MADV_WIPEONFORK);
    return memory;
}

void sallyport_secret_free(void *memory, size_t size) {
    size_t length = whole_pages(size);
    explicit_bzero(memory, length);
    munmap(memory, length);
}

int sallyport_secret_open(const char *path, unsigned int *mode, unsigned int *owner, unsigned int *group, long long *size) {
    // Links are followed: Kubernetes mounts secrets behind them. What counts is the file that is opened.
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) return -errno;
    struct stat status;
    if (fstat(descriptor, &status) < 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    *mode = status.st_mode;
    *owner = status.st_uid;
    *group = status.st_gid;
    *size = status.st_size;
    return descriptor;
}

int sallyport_parent_mode(const char *path, unsigned int *mode, unsigned int *owner) {
    char folder[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof(folder)) return -ENAMETOOLONG;
    memcpy(folder, path, length + 1);
    char *slash = strrchr(folder, '/');
    if (slash == NULL) strcpy(folder, ".");
    else if (slash == folder) folder[1] = 0;
    else *slash = 0;
    struct stat status;
    if (stat(folder, &status) < 0) return -errno;
    *mode = status.st_mode;
    *owner = status.st_uid;
    return 0;
}

int sallyport_lock_file(const char *path) {
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return -errno;
    // Stays open: the lock ends with the process, however that ends.
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return 0;
    int error = errno;
    close(descriptor);
    return -error;
}

static int drop_unwritten(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size;
    (void)context;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (size_t index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *header = &object->dlpi_phdr[index];
        // Relocated data lies in writable segments, though it may be read-only by now; it must stay.
        if (header->p_type != PT_LOAD || (header->p_flags & PF_W) != 0) continue;
        uintptr_t start = object->dlpi_addr + header->p_vaddr;
        uintptr_t first = (start + page - 1) / page * page;
        uintptr_t last = (start + header->p_memsz) / page * page;
        if (first < last) (void)madvise((void *)first, last - first, MADV_DONTNEED);
    }
    return 0;
}

void sallyport_drop_unwritten_pages(void) { (void)dl_iterate_phdr(drop_unwritten, NULL); }
