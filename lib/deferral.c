/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "deferral.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "verdict.h"

enum { NUMBER_MAX = 20 };

_Static_assert(DEFERRAL_CODE_MAX + 1 + DEFERRAL_TEXT_MAX + NUMBER_MAX +
		       DEFERRAL_RECIPIENT_MAX <
		   VERDICT_TEXT,
    "the longest deferral fits a verdict");

static const char *
skip_digits(const char *text, size_t most)
{
	while (most-- > 0 && *text >= '0' && *text <= '9')
		text++;
	return text;
}

/* Behind an enhanced status of class 4, or NULL when there is none. */
static const char *
skip_status(const char *text)
{
	if (strncmp(text, "4.", 2) != 0)
		return NULL;
	for (int i = 0; i < 2; i++) {
		const char *number = text + (i == 0 ? 2 : 1);

		text = skip_digits(number, 3);
		if (text == number || (i == 0 && *text != '.'))
			return NULL;
	}
	return text;
}

static const char *
skip_action(const char *code)
{
	static const char *const words[] = { "DEFER_IF_PERMIT", "DEFER" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(code, words[i], strlen(words[i])) == 0)
			return code + strlen(words[i]);
	if (*code == '4' && skip_digits(code, 3) == code + 3)
		return code + 3;
	return NULL;
}

int
deferral_check_code(const char *code, struct err *err)
{
	const char *rest = skip_action(code);

	if (rest != NULL && *rest == ' ')
		rest = skip_status(rest + 1);
	if (rest != NULL && *rest == '\0' && strlen(code) <= DEFERRAL_CODE_MAX)
		return 0;
	err_set(err,
	    "\"%s\" is not DEFER_IF_PERMIT, DEFER or a code 4NN, "
	    "alone or with an enhanced status such as 4.2.0",
	    code);
	return -1;
}

/* Whether there is more in a text than digits and blanks, whatever is filled
 * in: Postfix, and so verdict_write(), would not take it for a deferral. */
static bool
has_words(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '%' && text[1] != '%')
			text++;
		else if (strchr("0123456789 \t", *text) == NULL)
			return true;
	return false;
}

int
deferral_check_text(const char *text, struct err *err)
{
	unsigned used[2] = { 0, 0 };

	if (*text == '\0' || strlen(text) > DEFERRAL_TEXT_MAX) {
		err_set(err, "a text has 1 to %d bytes", DEFERRAL_TEXT_MAX);
		return -1;
	}
	for (const char *at = text; (at = strchr(at, '%')) != NULL; at += 2) {
		if (at[1] == '%')
			continue;
		if ((at[1] == 'd' && used[0]++ == 0) ||
		    (at[1] == 'r' && used[1]++ == 0))
			continue;
		err_set(err, "a text has %%d (seconds) and %%r (recipient) "
			     "at most once each, and %%%% for a percent sign");
		return -1;
	}
	if (!has_words(text)) {
		err_set(err, "a text needs words: Postfix takes digits alone "
			     "for no objection");
		return -1;
	}
	return 0;
}

static void
put_recipient(struct buf *out, const char *recipient)
{
	if (strlen(recipient) > DEFERRAL_RECIPIENT_MAX)
		buf_puts(out, "this recipient");
	else
		buf_puts(out, recipient);
}

void
deferral_write(const char *code, const char *text, time_t wait,
    const char *recipient, struct buf *out)
{
	const char *percent;

	buf_puts(out, code);
	buf_putc(out, ' ');
	while ((percent = strchr(text, '%')) != NULL) {
		buf_append(out, text, (size_t)(percent - text));
		if (percent[1] == 'd')
			buf_put_number(out, wait);
		else if (percent[1] == 'r')
			put_recipient(out, recipient);
		else
			buf_putc(out, '%');
		text = percent + 2;
	}
	buf_puts(out, text);
	assert(!out->full);
}
