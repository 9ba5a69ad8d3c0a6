import Foundation
import Glibc
import TestSupport

/// The wall clock of the gates under test, which jumps when the test says so. SSH workers are given no environment and keep the true one.
///
/// No time namespace has CLOCK_REALTIME. A library that is loaded before all others stands before glibc's functions and adds an offset
/// that it reads in a shared page: no system call, so that it works under every seal. What the kernel itself does by the wall clock
/// (times of files) does not jump.
final class MovableClock {
    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>
        static const volatile long *offset;
        static int (*real)(clockid_t, struct timespec *);
        __attribute__((constructor)) static void begin(void) {
            real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
            const char *path = getenv("SALLYPORT_TEST_CLOCK");
            int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
            if (file < 0) return;
            void *page = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
            if (page != MAP_FAILED) offset = page;
            close(file);
        }
        int clock_gettime(clockid_t clock, struct timespec *now) {
            if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
            int result = real(clock, now);
            if (!result && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *offset;
            return result;
        }
        int gettimeofday(struct timeval *now, void *zone) {
            struct timespec time;
            clock_gettime(CLOCK_REALTIME, &time);
            now->tv_sec = time.tv_sec;
            now->tv_usec = time.tv_nsec / 1000;
            return 0;
        }
        time_t time(time_t *now) {
            struct timespec time;
            clock_gettime(CLOCK_REALTIME, &time);
            if (now) *now = time.tv_sec;
            return time.tv_sec;
        }
        """

    private let page: URL
    private let library: URL

    /// Makes the library, with the C compiler that Swift brings.
    init(in folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        page = folder.appending(path: "clock")
        library = folder.appending(path: "clock.so")
        try Data(count: 4096).write(to: page)
        let source = folder.appending(path: "clock.c")
        try Self.source.write(to: source, atomically: true, encoding: .utf8)
        let made = try Command.run(
            "/usr/bin/env", ["clang", "-O2", "-shared", "-fPIC", "-o", library.path, source.path, "-ldl"])
        guard made.code == 0 else { throw TestBedError("clang: \(made.errors)") }
    }

    /// What a program needs to live by it.
    var environment: [String: String] { ["LD_PRELOAD": library.path, "SALLYPORT_TEST_CLOCK": page.path] }

    /// Seconds by which it is ahead of the true one.
    func set(_ offset: Int) throws {
        let file = try FileHandle(forWritingTo: page)
        defer { try? file.close() }
        try file.write(contentsOf: withUnsafeBytes(of: Int64(offset)) { Data($0) })
    }

    /// The process has it.
    func isLoaded(_ pid: Int32) -> Bool {
        // Such a file comes in pieces, which reading it by its name takes for its end.
        let content = try? FileHandle(forReadingFrom: URL(filePath: "/proc/\(pid)/maps")).readToEnd()
        let maps = String(decoding: content ?? Data(), as: UTF8.self)
        return maps.contains(library.path) && maps.contains("\(page.path)\n")
    }
}
