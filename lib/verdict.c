/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "verdict.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "attr.h"

const char *
action_word(enum action action)
{
	static const char *const words[ACTIONS] = {
		[ACTION_DUNNO] = "dunno",
		[ACTION_DEFER] = "defer",
		[ACTION_PREPEND] = "prepend",
		[ACTION_REJECT] = "reject",
		[ACTION_TEMPFAIL] = "tempfail",
	};

	assert(action < ACTIONS);
	return words[action];
}

void
verdict_pass(struct verdict *verdict, enum reason reason)
{
	verdict->action = ACTION_DUNNO;
	verdict->would = ACTION_DUNNO;
	verdict->reason = reason;
	verdict->delay = 0;
	verdict->wait = 0;
	verdict->text[0] = '\0';
}

bool
verdict_defer(struct verdict *verdict, enum reason reason, const char *text,
    size_t len)
{
	if (len >= sizeof(verdict->text))
		return false;
	verdict_pass(verdict, reason);
	verdict->action = verdict->would = ACTION_DEFER;
	memcpy(verdict->text, text, len);
	verdict->text[len] = '\0';
	return true;
}

/* A text of the program's own: it has a code, and fits. */
static void
refuse(struct verdict *verdict, enum action action, enum reason reason,
    const char *text)
{
	const size_t len = strlen(text);

	assert(len < sizeof(verdict->text));
	verdict_pass(verdict, reason);
	verdict->action = verdict->would = action;
	memcpy(verdict->text, text, len + 1);
}

void
verdict_reject(struct verdict *verdict, enum reason reason, const char *text)
{
	assert(*text == '5');
	refuse(verdict, ACTION_REJECT, reason, text);
}

void
verdict_tempfail(struct verdict *verdict, enum reason reason, const char *text)
{
	assert(*text == '4');
	refuse(verdict, ACTION_TEMPFAIL, reason, text);
}

bool
verdict_prepend(struct verdict *verdict, enum reason reason, const char *header)
{
	static const char word[] = "PREPEND ";
	const size_t len = strlen(header);

	if (sizeof(word) + len > sizeof(verdict->text))
		return false;
	verdict_pass(verdict, reason);
	verdict->action = verdict->would = ACTION_PREPEND;
	memcpy(verdict->text, word, sizeof(word));
	memcpy(verdict->text + sizeof(word) - 1, header, len + 1);
	return true;
}

void
verdict_only_observe(struct verdict *verdict)
{
	verdict->would = verdict->action;
	verdict->action = ACTION_DUNNO;
}

/* The length of the UTF-8 sequence of more than one byte at `bytes` (RFC 3629
 * 4), 0 when it is not one.  The string's NUL ends every incomplete sequence. */
static size_t
utf8_length(const unsigned char *bytes)
{
	static const struct {
		unsigned char first, last, low, high;
		size_t len;
	} rows[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t row = 0;

	while (row < sizeof(rows) / sizeof(rows[0]) &&
	       (bytes[0] < rows[row].first || bytes[0] > rows[row].last))
		row++;
	if (row == sizeof(rows) / sizeof(rows[0]))
		return 0;
	if (bytes[1] < rows[row].low || bytes[1] > rows[row].high)
		return 0;
	for (size_t i = 2; i < rows[row].len; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return rows[row].len;
}

/* Copies `text` as one line of UTF-8: what is not becomes '?'. */
static size_t
one_line(const char *text, char *line)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t len = 0;

	while (*at != '\0') {
		size_t sequence;

		if (*at >= ' ' && *at <= '~') {
			line[len++] = (char)*at++;
			continue;
		}
		sequence = utf8_length(at);
		if (sequence == 0) {
			line[len++] = '?';
			at++;
			continue;
		}
		memcpy(line + len, at, sequence);
		len += sequence;
		at += sequence;
	}
	return len;
}

/* Whether Postfix would take the action for PERMIT: nothing, or digits only
 * (check_table_result() skips blanks). */
static bool
would_permit(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr("0123456789 \t", line[i]) == NULL)
			return false;
	return true;
}

void
verdict_write(const struct verdict *verdict, struct buf *out)
{
	static const char dunno[] = "DUNNO";
	char line[VERDICT_TEXT];
	size_t len = 0;
	bool fits;

	if (verdict->action != ACTION_DUNNO)
		len = one_line(verdict->text, line);
	fits = would_permit(line, len)
		   ? attr_write(out, "action", dunno, sizeof(dunno) - 1)
		   : attr_write(out, "action", line, len);
	fits = attr_write_end(out) && fits;
	assert(fits);
}
