/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attribute format of Postfix's policy delegation protocol
 * (SMTPD_POLICY_README): lines "name=value", ended by LF, and an empty line
 * after the last one.
 *
 * The reader is incremental and keeps no bytes.  Its caller collects a request
 * in one place and calls attr_read() again whenever there are more bytes; each
 * byte is looked at once.  An attribute borrows from those bytes: the reader
 * writes a NUL over the "=" and over the LF, so name and value are strings.
 *
 * Nothing is ever cut: what passes a limit, has no "=" or no name, holds a NUL
 * or ends in CR LF, makes the whole request malformed.  Postfix sends none of
 * this, so who sends it is not Postfix.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* Postfix states no limits (attr_scan_plain.c); ours come from the
 * configuration.  Bytes of a request count everything, its empty line too. */
struct attr_limits {
	size_t attributes;
	size_t value;
	size_t request;
};

struct attr {
	const char *name;
	size_t name_len;
	const char *value;
	size_t value_len;
};

enum attr_status {
	/* All bytes are read, the request goes on. */
	ATTR_MORE,
	/* One attribute was read. */
	ATTR_PAIR,
	/* The empty line was read: attr_size() bytes were the request. */
	ATTR_END,
	/* attr_complaint() says why; nothing more can be read. */
	ATTR_MALFORMED,
};

struct attr_reader {
	const struct attr_limits *limits;
	const char *complaint;
	/* Where the line that is read starts, how far it is looked at. */
	size_t line;
	size_t seen;
	size_t count;
	/* How far there is no NUL, and how far that is known. */
	size_t clean;
	size_t checked;
};

/* Before each request.  `limits` is kept. */
void attr_reader_init(struct attr_reader *reader,
    const struct attr_limits *limits);

/* Reads on in the request that starts at `bytes` and has come so far to `len`
 * bytes.  Sets `attr` only for ATTR_PAIR. */
enum attr_status attr_read(struct attr_reader *reader, char *bytes, size_t len,
    struct attr *attr);

/* After ATTR_END: the bytes of the request, its empty line included. */
size_t attr_size(const struct attr_reader *reader);

/* After ATTR_MALFORMED: what is wrong, as the end of a sentence. */
const char *attr_complaint(const struct attr_reader *reader);

/* Appends "name=value" and LF; `value` must hold neither LF nor NUL. */
bool attr_write(struct buf *out, const char *name, const char *value,
    size_t len);

/* Appends the empty line. */
bool attr_write_end(struct buf *out);
