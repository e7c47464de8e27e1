/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attr.h"

#include <assert.h>
#include <string.h>

void
attr_reader_init(struct attr_reader *reader, const struct attr_limits *limits)
{
	*reader = (struct attr_reader){ .limits = limits };
}

static enum attr_status
malformed(struct attr_reader *reader, const char *complaint)
{
	reader->complaint = complaint;
	return ATTR_MALFORMED;
}

/* The longest line that can still become an attribute: a name longer than the
 * longest value is not an attribute's name either. */
static size_t
longest_line(const struct attr_limits *limits)
{
	return 2 * limits->value + 1;
}

static enum attr_status
read_end(struct attr_reader *reader, size_t end)
{
	if (reader->count == 0)
		return malformed(reader, "an empty request");
	reader->line = end + 1;
	return ATTR_END;
}

static enum attr_status
read_pair(struct attr_reader *reader, char *line, size_t len, struct attr *attr)
{
	char *equals = memchr(line, '=', len);

	if (line[len - 1] == '\r')
		return malformed(reader, "a line that ends in CR LF");
	if (reader->line > reader->clean)
		return malformed(reader, "a NUL byte");
	if (equals == NULL)
		return malformed(reader, "a line without \"=\"");
	if (equals == line)
		return malformed(reader, "an attribute without a name");
	if ((size_t)(equals - line) > reader->limits->value)
		return malformed(reader, "a name longer than max-value-size");
	if ((size_t)(line + len - equals) - 1 > reader->limits->value)
		return malformed(reader, "a value longer than max-value-size");
	if (++reader->count > reader->limits->attributes)
		return malformed(reader, "more attributes than max-attributes");
	*equals = '\0';
	line[len] = '\0';
	*attr = (struct attr){
		.name = line,
		.name_len = (size_t)(equals - line),
		.value = equals + 1,
		.value_len = (size_t)(line + len - equals) - 1,
	};
	return ATTR_PAIR;
}

static enum attr_status
read_more(struct attr_reader *reader, size_t len)
{
	reader->seen = len;
	if (len - reader->line > longest_line(reader->limits))
		return malformed(reader, "a value longer than max-value-size");
	if (len >= reader->limits->request)
		return malformed(reader, "more bytes than max-request-size");
	return ATTR_MORE;
}

/* Looks for a NUL in the bytes that are new: once for all their lines. */
static void
check_bytes(struct attr_reader *reader, const char *bytes, size_t len)
{
	const char *nul;

	if (reader->clean == reader->checked) {
		nul = memchr(bytes + reader->checked, '\0',
		    len - reader->checked);
		reader->clean = nul != NULL ? (size_t)(nul - bytes) : len;
	}
	reader->checked = len;
}

enum attr_status
attr_read(struct attr_reader *reader, char *bytes, size_t len,
    struct attr *attr)
{
	const size_t start = reader->line;
	const char *end =
	    memchr(bytes + reader->seen, '\n', len - reader->seen);
	size_t line_len;

	if (len > reader->checked)
		check_bytes(reader, bytes, len);
	if (end == NULL)
		return read_more(reader, len);
	line_len = (size_t)(end - bytes) - start;
	if (start + line_len >= reader->limits->request)
		return malformed(reader, "more bytes than max-request-size");
	if (line_len == 0)
		return read_end(reader, start);
	reader->line = start + line_len + 1;
	reader->seen = reader->line;
	return read_pair(reader, bytes + start, line_len, attr);
}

size_t
attr_size(const struct attr_reader *reader)
{
	return reader->line;
}

const char *
attr_complaint(const struct attr_reader *reader)
{
	return reader->complaint;
}

bool
attr_write(struct buf *out, const char *name, const char *value, size_t len)
{
	assert(memchr(value, '\n', len) == NULL);
	assert(memchr(value, '\0', len) == NULL);
	return buf_puts(out, name) && buf_putc(out, '=') &&
	       buf_append(out, value, len) && buf_putc(out, '\n');
}

bool
attr_write_end(struct buf *out)
{
	return buf_putc(out, '\n');
}
