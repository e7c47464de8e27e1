/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory or death.
 *
 * policyd allocates when it starts, when it reads its configuration and when a
 * connection is opened, never for a decision.  When memory is refused there,
 * nothing sensible is left to do: the process says so and aborts, and the
 * service manager starts it again.
 */
#pragma once

#include <stddef.h>

/* Returns `size` uninitialised bytes; free() releases them. */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));

/* Returns `count` zeroed elements of `size` bytes; an overflow of the product
 * counts as no memory. */
void *xcalloc(size_t count, size_t size)
    __attribute__((malloc, returns_nonnull));

/* Resizes like realloc(); `memory` may be NULL. */
void *xrealloc(void *memory, size_t size) __attribute__((returns_nonnull));

/* Returns a copy of `text`; free() releases it. */
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));
