#define _GNU_SOURCE
#include "find.h"

#include <string.h>

ptrdiff_t sallyport_find(const void *needle, size_t needle_length, const void *bytes, size_t length, size_t start) {
    if (needle == NULL || bytes == NULL || start > length) return -1;
    const char *found = memmem((const char *)bytes + start, length - start, needle, needle_length);
    return found == NULL ? -1 : found - (const char *)bytes;
}
