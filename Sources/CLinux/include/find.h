#pragma once

#include <stddef.h>

/// Where `needle` begins in `bytes` at or after `start`; -1 when it does not (memmem(3), which the Swift import of glibc leaves out).
ptrdiff_t sallyport_find(const void *_Nullable needle, size_t needle_length, const void *_Nullable bytes, size_t length, size_t start);
