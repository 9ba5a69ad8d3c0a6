#ifndef CCALLGRIND_H
#define CCALLGRIND_H

#include <stdbool.h>

/// Whether this runs under valgrind, and was built with its headers.
bool sallyport_callgrind_is_here(void);

/// Counts from here on, from zero.
void sallyport_callgrind_start(void);

/// Writes what was counted to callgrind's next file, under this name, and counts no more.
void sallyport_callgrind_stop(const char *name);

#endif
