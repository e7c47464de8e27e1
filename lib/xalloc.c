/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
or_die(void *memory)
{
	if (memory == NULL) {
		fputs("policyd: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *
xmalloc(size_t size)
{
	return or_die(malloc(size > 0 ? size : 1));
}

void *
xcalloc(size_t count, size_t size)
{
	return or_die(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *
xrealloc(void *memory, size_t size)
{
	return or_die(realloc(memory, size > 0 ? size : 1));
}

char *
xstrdup(const char *text)
{
	return or_die(strdup(text));
}
