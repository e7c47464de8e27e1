/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "buf.h"

#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
buf_init(struct buf *buf, char *memory, size_t cap)
{
	*buf = (struct buf){ .data = memory, .cap = cap };
}

void
buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->full = false;
}

char *
buf_space(const struct buf *buf)
{
	return buf->data + buf->len;
}

size_t
buf_room(const struct buf *buf)
{
	return buf->cap - buf->len;
}

void
buf_added(struct buf *buf, size_t len)
{
	assert(len <= buf_room(buf));
	buf->len += len;
}

bool
buf_put_number(struct buf *buf, long long number)
{
	char digits[24];
	size_t at = sizeof(digits);
	unsigned long long rest = number < 0 ? 0 - (unsigned long long)number
					     : (unsigned long long)number;

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (number < 0)
		digits[--at] = '-';
	return buf_append(buf, digits + at, sizeof(digits) - at);
}

bool
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(buf_space(buf), buf_room(buf), format, ap);
	va_end(ap);
	assert(len >= 0);
	/* vsnprintf() needs a byte more than the text, for its NUL. */
	if ((size_t)len >= buf_room(buf)) {
		buf->full = true;
		return false;
	}
	buf->len += (size_t)len;
	return true;
}

/* Printable, and none of < > " \ */
static const bool is_plain[UCHAR_MAX + 1] = {
	[' ' ... '!'] = true,
	['#' ... ';'] = true,
	['='] = true,
	['?' ... '['] = true,
	[']' ... '~'] = true,
};

static bool
put_code(struct buf *buf, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	const char code[] = { '\\', 'x', hex[byte >> 4], hex[byte & 15] };

	return buf_append(buf, code, sizeof(code));
}

bool
buf_put_escaped(struct buf *buf, const char *bytes, size_t len)
{
	const unsigned char *at = (const unsigned char *)bytes;
	const unsigned char *const end = at + len;
	const size_t before = buf->len;
	bool fits = true;

	while (fits && at < end) {
		const unsigned char *start = at;

		while (at < end && is_plain[*at])
			at++;
		fits = buf_append(buf, start, (size_t)(at - start));
		if (fits && at < end)
			fits = put_code(buf, *at++);
	}
	if (!fits)
		buf->len = before;
	return fits;
}

void
buf_consume(struct buf *buf, size_t len)
{
	assert(len <= buf->len);
	buf->len -= len;
	if (buf->len > 0)
		memmove(buf->data, buf->data + len, buf->len);
}
