/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policyctl_text.h"

#include <string.h>

#include "buf.h"

static void
put_byte(FILE *out, char byte)
{
	char memory[8];
	struct buf escaped;

	if (byte == ' ') {
		fputs("\\x20", out);
		return;
	}
	buf_init(&escaped, memory, sizeof(memory));
	buf_put_escaped(&escaped, &byte, 1);
	fwrite(escaped.data, 1, escaped.len, out);
}

void
text_put_address(FILE *out, const char *address)
{
	for (; *address != '\0'; address++)
		put_byte(out, *address);
}

/* The value of a digit, -1 when it is none. */
static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
is_code(const char *text)
{
	return text[0] == '\\' && text[1] == 'x' && digit(text[2]) >= 0 &&
	       digit(text[3]) >= 0;
}

bool
text_unescape(char *address)
{
	char *out = address;

	while (*address != '\0') {
		if (!is_code(address)) {
			*out++ = *address++;
			continue;
		}
		*out = (char)(digit(address[2]) << 4 | digit(address[3]));
		if (*out++ == '\0')
			return false;
		address += 4;
	}
	*out = '\0';
	return true;
}

void
text_put_sentence(FILE *out, const char *sentence)
{
	for (; *sentence != '\0'; sentence++)
		putc(*sentence >= ' ' && *sentence <= '~' ? *sentence : '?',
		    out);
}
