/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "conftext.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "xalloc.h"

/* The whole stream, or NULL and why. */
static char *
read_all(FILE *file, const char **why)
{
	char *text = NULL;
	size_t size = 0;
	const ssize_t len = getdelim(&text, &size, '\0', file);

	*why = NULL;
	if (ferror(file))
		*why = strerror(errno);
	else if (len > 0 && text[len - 1] == '\0')
		*why = "it holds a NUL byte";
	if (*why == NULL && len > 0)
		return text;
	free(text);
	return *why == NULL ? xstrdup("") : NULL;
}

char *
conftext_read(const char *path, struct err *err)
{
	FILE *file = fopen(path, "re");
	const char *why;
	char *text;

	if (file == NULL) {
		err_set(err, "%s: cannot be read: %s", path, strerror(errno));
		return NULL;
	}
	text = read_all(file, &why);
	if (text == NULL)
		err_set(err, "%s: cannot be read: %s", path, why);
	fclose(file);
	return text;
}

#define UNCLOSED SIZE_MAX

/* Length of the comment that begins here, 0 when none does. */
static size_t
comment_length(const char *at)
{
	const char *end;

	if (*at == '#' || strncmp(at, "//", 2) == 0)
		return strcspn(at, "\n");
	if (strncmp(at, "/*", 2) != 0)
		return 0;
	end = strstr(at + 2, "*/");
	return end == NULL ? UNCLOSED : (size_t)(end + 2 - at);
}

/* Length of the quoted text that begins here, 0 when none does. */
static size_t
quoted_length(const char *at)
{
	size_t len = 1;

	if (*at != '"' && *at != '\'')
		return 0;
	for (; at[len] != *at; len++) {
		if (at[len] == '\\')
			len++;
		if (at[len] == '\0')
			return UNCLOSED;
	}
	return len + 1;
}

static size_t
plain_length(const char *at)
{
	const size_t len = strcspn(at, " \t\r\n#\"'{}()=,+*");

	return len > 0 ? len : 1;
}

struct scan {
	char *at;
	int line;
	/* Braces that are open, and where the first of them is. */
	int depth;
	int opened;
};

static void
scan_skip(struct scan *scan, size_t len, bool blank)
{
	for (; len > 0; len--, scan->at++) {
		if (*scan->at == '\n')
			scan->line++;
		else if (blank)
			*scan->at = ' ';
	}
}

static void
scan_brace(struct scan *scan)
{
	if (*scan->at == '{' && scan->depth++ == 0)
		scan->opened = scan->line;
	if (*scan->at == '}')
		scan->depth--;
}

/* Steps over a comment, a quoted text or a word, and blanks the comment.
 * Returns what is wrong, or NULL. */
static const char *
scan_step(struct scan *scan)
{
	const size_t comment = comment_length(scan->at);
	const size_t quoted = comment > 0 ? 0 : quoted_length(scan->at);

	if (comment == UNCLOSED)
		return "the comment that begins here is not closed";
	if (quoted == UNCLOSED)
		return "the quotes that begin here are not closed";
	if (comment > 0 || quoted > 0) {
		scan_skip(scan, comment + quoted, comment > 0);
		return NULL;
	}
	/* libConfuse drops them without a word. */
	if (*scan->at == '*' || (*scan->at == '+' && scan->at[1] != '='))
		return "a value that holds + or * must stand in quotes";
	scan_brace(scan);
	scan_skip(scan, plain_length(scan->at), false);
	return NULL;
}

int
conftext_prepare(const char *name, char *text, struct err *err)
{
	struct scan scan = { .at = text, .line = 1 };

	while (*scan.at != '\0') {
		const char *wrong = scan_step(&scan);

		if (wrong != NULL) {
			err_set(err, "%s:%d: %s", name, scan.line, wrong);
			return -1;
		}
	}
	if (scan.depth > 0) {
		err_set(err, "%s:%d: the { that stands here is not closed",
		    name, scan.opened);
		return -1;
	}
	return 0;
}
