/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What policyd tells the administrator: a level, one line, a sink.
 *
 * The sink (syslog, stderr, a test's memory) is given by the program; it must
 * not block, and drops and counts what it cannot take.  The line is a sentence
 * or key=value text without a newline; bytes that a stranger chose must have
 * been escaped by the caller (buf_put_escaped()); as a second line of defence,
 * control bytes that are left are replaced by '?'.
 *
 * Only the event loop's thread logs.  The sink is the program's only global
 * variable.
 *
 * Levels: ERROR, someone must act; WARNING, we worked around it; INFO, start,
 * stop, reload and decisions; DEBUG, everything else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

struct log_sink {
	/* Takes one line of `len` bytes without newline; keeps nothing. */
	void (*line)(struct log_sink *sink, enum log_level level,
	    const char *text, size_t len);
	/* Writes out what the sink holds back; may be NULL. */
	void (*flush)(struct log_sink *sink);
};

/* Lines go to `sink` (borrowed until the next call; NULL: nowhere) when their
 * level is `most` or more serious. */
void log_to(struct log_sink *sink, enum log_level most);

bool log_enabled(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A ready-made line, already escaped: the decisions' fast path. */
void log_line(enum log_level level, const char *text, size_t len);

void log_flush(void);
