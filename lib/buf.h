/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A byte buffer of fixed capacity.
 *
 * The memory belongs to whoever calls buf_init(); the buffer never reallocates
 * and never cuts: what does not fit is not written at all, the call returns
 * false, and `full` stays set until buf_clear().  So a writer may append many
 * parts and ask once, at the end, whether all of them fitted.
 *
 * Invariant: len <= cap.  The bytes are not a string: nothing ends them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct buf {
	char *data;
	size_t cap;
	size_t len;
	bool full;
};

/* An empty buffer over `cap` bytes of `memory`. */
void buf_init(struct buf *buf, char *memory, size_t cap);

void buf_clear(struct buf *buf);

/* Free bytes behind the contents, to be filled by read() and then claimed by
 * buf_added(). */
char *buf_space(const struct buf *buf);
size_t buf_room(const struct buf *buf);
void buf_added(struct buf *buf, size_t len);

static inline bool
buf_append(struct buf *buf, const void *bytes, size_t len)
{
	if (len > buf->cap - buf->len) {
		buf->full = true;
		return false;
	}
	if (len > 0)
		memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	return true;
}

static inline bool
buf_puts(struct buf *buf, const char *text)
{
	return buf_append(buf, text, strlen(text));
}

static inline bool
buf_putc(struct buf *buf, char byte)
{
	return buf_append(buf, &byte, 1);
}

/* Decimal, without going through printf: log lines are made of these. */
bool buf_put_number(struct buf *buf, long long number);

bool buf_printf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends bytes that somebody else chose so that they cannot break out of
 * where they stand: control bytes, bytes above 0x7e and < > " \ are written
 * \xNN. */
bool buf_put_escaped(struct buf *buf, const char *bytes, size_t len);

/* Drops the first `len` bytes; what is behind them moves to the front. */
void buf_consume(struct buf *buf, size_t len);
