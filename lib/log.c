/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "log.h"

#include <stdarg.h>
#include <stdio.h>

/* A sentence: longer ones are cut, they come from us. */
#define LOG_TEXT 2048

static struct {
	struct log_sink *sink;
	enum log_level most;
} out;

void
log_to(struct log_sink *sink, enum log_level most)
{
	out.sink = sink;
	out.most = most;
}

bool
log_enabled(enum log_level level)
{
	return out.sink != NULL && level <= out.most;
}

void
log_line(enum log_level level, const char *text, size_t len)
{
	if (log_enabled(level))
		out.sink->line(out.sink, level, text, len);
}

void
log_flush(void)
{
	if (out.sink != NULL && out.sink->flush != NULL)
		out.sink->flush(out.sink);
}

__attribute__((format(printf, 2, 0))) static void
log_text(enum log_level level, const char *format, va_list ap)
{
	char text[LOG_TEXT];
	int len;

	if (!log_enabled(level))
		return;
	len = vsnprintf(text, sizeof(text), format, ap);
	if (len < 0)
		return;
	if ((size_t)len >= sizeof(text))
		len = (int)sizeof(text) - 1;
	for (int i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	log_line(level, text, (size_t)len);
}

#define LOG_AT(level) \
	do { \
		va_list ap; \
\
		va_start(ap, format); \
		log_text(level, format, ap); \
		va_end(ap); \
	} while (0)

void
log_error(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_ERROR);
}

void
log_warning(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_WARNING);
}

void
log_info(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_INFO);
}

void
log_debug(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_DEBUG);
}
