extension HandleCounter {
    /// The library's text, but for the numbers of the functions.
    static let source = #"""
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <link.h>
        #include <malloc.h>
        #include <pthread.h>
        #include <spawn.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <unistd.h>

        struct place {
            char name[NAME];
            long pid;
            long counts[FUNCTIONS];
        };
        static struct place early, *places, *own = &early;

        static void count(int function, long number) { __atomic_fetch_add(&own->counts[function], number, __ATOMIC_RELAXED); }

        static void *find(const char *name) {
            void *found = dlsym(RTLD_NEXT, name);
            if (!found) {
                fprintf(stderr, "handles: nobody has %s\n", name);
                abort();
            }
            return found;
        }

        // Takes the next place; what was counted so far comes with it.
        static void settle(void) {
            for (int index = 0; index < PLACES; index++) {
                long nobody = 0;
                if (!__atomic_compare_exchange_n(&places[index].pid, &nobody, getpid(), 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) continue;
                memcpy(places[index].counts, own->counts, sizeof own->counts);
                strncpy(places[index].name, program_invocation_short_name, NAME - 1);
                own = &places[index];
                return;
            }
            fprintf(stderr, "handles: no place is left\n");
            abort();
        }

        // Where the two libraries lie, whose calls to themselves are their own business.
        static struct range { unsigned long first, end; } crypto, ssh2;
        static int locate(struct dl_phdr_info *info, size_t size, void *nothing) {
            (void)size, (void)nothing;
            struct range *range = strstr(info->dlpi_name, "/libcrypto.so") ? &crypto : strstr(info->dlpi_name, "/libssh2.so") ? &ssh2 : 0;
            for (int index = 0; range && index < info->dlpi_phnum; index++) {
                if (info->dlpi_phdr[index].p_type != PT_LOAD) continue;
                unsigned long first = info->dlpi_addr + info->dlpi_phdr[index].p_vaddr, end = first + info->dlpi_phdr[index].p_memsz;
                if (!range->first || first < range->first) range->first = first;
                if (end > range->end) range->end = end;
            }
            return 0;
        }
        static int is_inside(void *caller, const struct range *range) {
            return (unsigned long)caller >= range->first && (unsigned long)caller < range->end;
        }
        // One function may end by jumping to another of these.
        static __thread int depth;
        #define IS_FOREIGN (!depth && !is_inside(__builtin_return_address(0), &crypto))

        // libcrypto's memory, block by block.
        static void *crypto_malloc(size_t size, const char *file, int line) {
            (void)file, (void)line;
            void *made = malloc(size);
            if (made) count(LIBCRYPTO_S_MALLOC, 1);
            return made;
        }
        static void crypto_free(void *block, const char *file, int line) {
            (void)file, (void)line;
            if (block) count(LIBCRYPTO_S_FREE, 1);
            free(block);
        }
        static void *crypto_realloc(void *block, size_t size, const char *file, int line) {
            if (!block) return crypto_malloc(size, file, line);
            if (size) return realloc(block, size);
            crypto_free(block, file, line);
            return 0;
        }

        // BoringSSL's, which is in the ingress itself and asks for these by name.
        void *OPENSSL_memory_alloc(size_t size) {
            void *made = malloc(size);
            if (made) count(OPENSSL_MEMORY_ALLOC, 1);
            return made;
        }
        void OPENSSL_memory_free(void *block) {
            if (block) count(OPENSSL_MEMORY_FREE, 1);
            free(block);
        }
        size_t OPENSSL_memory_get_size(void *block) { return malloc_usable_size(block); }

        __attribute__((constructor)) static void begin(void) {
            const char *path = getenv("SALLYPORT_TEST_HANDLES");
            int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
            if (file < 0) return;
            places = mmap(0, sizeof(struct place) * PLACES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            close(file);
            if (places == MAP_FAILED) abort();
            settle();
            pthread_atfork(0, 0, settle);
            dl_iterate_phdr(locate, 0);
            int (*set)(void *, void *, void *) = dlsym(RTLD_DEFAULT, "CRYPTO_set_mem_functions");
            if (set && !set(crypto_malloc, crypto_realloc, crypto_free)) {
                fprintf(stderr, "handles: libcrypto has memory already\n");
                abort();
            }
        }

        // The workers are started without an environment.
        int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                        char *const arguments[], char *const variables[]) {
            static int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const *,
                               char *const *);
            if (!real) real = find("posix_spawn");
            if (variables && variables[0]) return real(pid, path, actions, attributes, arguments, variables);
            char library[4096], file[4096];
            snprintf(library, sizeof library, "LD_PRELOAD=%s", getenv("LD_PRELOAD"));
            snprintf(file, sizeof file, "SALLYPORT_TEST_HANDLES=%s", getenv("SALLYPORT_TEST_HANDLES"));
            char *mine[] = {library, file, 0};
            return real(pid, path, actions, attributes, arguments, mine);
        }

        // libssh2. Channels that are open when their session is freed go with it.
        static struct { void *channel, *session; } channels[1024];
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

        static void *opened(void *channel, void *session, int function) {
            if (!channel) return channel;
            count(function, 1);
            pthread_mutex_lock(&lock);
            int index = 0;
            while (index < 1024 && channels[index].channel) index++;
            if (index == 1024) abort();
            channels[index].channel = channel;
            channels[index].session = session;
            pthread_mutex_unlock(&lock);
            return channel;
        }
        static long closed(void *channel, void *session) {
            long number = 0;
            pthread_mutex_lock(&lock);
            for (int index = 0; index < 1024; index++) {
                if (!channels[index].channel || (channels[index].channel != channel && channels[index].session != session)) continue;
                channels[index].channel = channels[index].session = 0;
                number++;
            }
            pthread_mutex_unlock(&lock);
            return number;
        }

        static void *(*session_alloc)(size_t, void **), *(*session_realloc)(void *, size_t, void **);
        static void (*session_free)(void *, void **);
        static void *block_alloc(size_t size, void **abstract) {
            void *made = session_alloc(size, abstract);
            if (made) count(SESSION_S_ALLOC, 1);
            return made;
        }
        static void block_free(void *block, void **abstract) {
            if (block) count(SESSION_S_FREE, 1);
            session_free(block, abstract);
        }
        static void *block_realloc(void *block, size_t size, void **abstract) {
            void *made = session_realloc(block, size, abstract);
            if (made && !block) count(SESSION_S_ALLOC, 1);
            return made;
        }
        void *libssh2_session_init_ex(void *alloc, void *release, void *change, void *abstract) {
            static void *(*real)(void *, void *, void *, void *);
            if (!real) real = find("libssh2_session_init_ex");
            session_alloc = alloc, session_free = release, session_realloc = change;
            void *made = real(block_alloc, block_free, block_realloc, abstract);
            if (made) count(LIBSSH2_SESSION_INIT_EX, 1);
            return made;
        }
        // The session's free takes what the caller's callback has made.
        static int (*sign)(void *, unsigned char **, size_t *, const unsigned char *, size_t, void **);
        static int counted_sign(void *session, unsigned char **made, size_t *length, const unsigned char *data, size_t size, void **own) {
            int result = sign(session, made, length, data, size, own);
            if (!result) count(SESSION_S_ALLOC, 1);
            return result;
        }
        int libssh2_userauth_publickey(void *session, const char *user, const unsigned char *key, size_t length, void *callback, void **own) {
            static int (*real)(void *, const char *, const unsigned char *, size_t, void *, void **);
            if (!real) real = find("libssh2_userauth_publickey");
            sign = callback;
            return real(session, user, key, length, counted_sign, own);
        }
        int libssh2_session_free(void *session) {
            static int (*real)(void *);
            if (!real) real = find("libssh2_session_free");
            int result = real(session);
            if (result) return result;
            count(LIBSSH2_SESSION_FREE, 1);
            count(LIBSSH2_SESSION_FREE__CHANNELS_, closed(0, session));
            return 0;
        }
        void *libssh2_channel_open_ex(void *session, const char *type, unsigned length, unsigned window, unsigned packet,
                                      const char *message, unsigned count) {
            static void *(*real)(void *, const char *, unsigned, unsigned, unsigned, const char *, unsigned);
            if (!real) real = find("libssh2_channel_open_ex");
            return opened(real(session, type, length, window, packet, message, count), session, LIBSSH2_CHANNEL_OPEN_EX);
        }
        void *libssh2_channel_direct_tcpip_ex(void *session, const char *host, int port, const char *from, int source) {
            static void *(*real)(void *, const char *, int, const char *, int);
            if (!real) real = find("libssh2_channel_direct_tcpip_ex");
            return opened(real(session, host, port, from, source), session, LIBSSH2_CHANNEL_DIRECT_TCPIP_EX);
        }
        int libssh2_channel_free(void *channel) {
            static int (*real)(void *);
            if (!real) real = find("libssh2_channel_free");
            int result = real(channel);
            if (!result && !is_inside(__builtin_return_address(0), &ssh2)) count(LIBSSH2_CHANNEL_FREE, closed(channel, (void *)-1));
            return result;
        }

        // libcrypto: whole numbers and pointers alike go in registers, and none of these has more of them than six.
        #define TAKES long a, long b, long c, long d, long e, long f
        #define WRAP(name, before, after)                                                                                                  \
            long name(TAKES) {                                                                                                             \
                static long (*real)(TAKES);                                                                                                \
                if (!real) real = (long (*)(TAKES))find(#name);                                                                            \
                before;                                                                                                                    \
                depth++;                                                                                                                   \
                long result = real(a, b, c, d, e, f);                                                                                      \
                depth--;                                                                                                                   \
                after;                                                                                                                     \
                return result;                                                                                                             \
            }
        #define MAKES(name, index) WRAP(name, , if (result && IS_FOREIGN) count(index, 1))
        #define MAKES_WITHOUT_THIRD(name, index) WRAP(name, , if (result && !c && IS_FOREIGN) count(index, 1))
        #define PUTS(name, index) WRAP(name, long old = *(long *)b, if (*(long *)b && *(long *)b != old && IS_FOREIGN) count(index, 1))
        #define REFERS(name, index) WRAP(name, , if ((int)result == 1 && IS_FOREIGN) count(index, 1))
        #define FREES(name, index) WRAP(name, if (a && IS_FOREIGN) count(index, 1), )
        #define TAKES_TWO(name, index) WRAP(name, , if ((int)result == 1 && IS_FOREIGN) count(index, 2))

        """#
}
