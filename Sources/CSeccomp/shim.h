#pragma once
#include <errno.h>
#include <seccomp.h>
#include <stdint.h>

/// SCMP_ACT_ERRNO, which is a macro with an argument.
static inline uint32_t sallyport_seccomp_errno(uint16_t number) { return SCMP_ACT_ERRNO(number); }

/// Architecture tokens, which are macros of macros.
static const uint32_t sallyport_arch_x86_64 = SCMP_ARCH_X86_64;
static const uint32_t sallyport_arch_aarch64 = SCMP_ARCH_AARCH64;
