#include "CCallgrind.h"

// https://valgrind.org/docs/manual/cl-manual.html#cl-manual.clientrequests
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>

bool sallyport_callgrind_is_here(void) { return RUNNING_ON_VALGRIND; }

void sallyport_callgrind_start(void) {
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
}

void sallyport_callgrind_stop(const char *name) {
    CALLGRIND_DUMP_STATS_AT(name);
    CALLGRIND_STOP_INSTRUMENTATION;
}
#else
bool sallyport_callgrind_is_here(void) { return false; }
void sallyport_callgrind_start(void) {}
void sallyport_callgrind_stop(const char *name) { (void)name; }
#endif
