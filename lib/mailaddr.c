/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mailaddr.h"

#include <string.h>

void
mailaddr_split(const char *text, struct mailaddr *address)
{
	const char *at = strrchr(text, '@');
	const char *end = text + strlen(text);
	const char *domain = at == NULL ? end : at + 1;

	*address = (struct mailaddr){
		.local = text,
		.local_len = (size_t)((at == NULL ? end : at) - text),
		.domain = domain,
		.domain_len = (size_t)(end - domain),
	};
}

bool
mailaddr_is_null(const char *address)
{
	return *address == '\0';
}

/* ctype.h asks the locale; mail addresses do not. */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char
to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

void
mailaddr_fold(const char *address, struct buf *out)
{
	char *folded = buf_space(out);
	struct mailaddr parts;
	size_t len = strlen(address);

	mailaddr_split(address, &parts);
	if (parts.domain_len > 0 && address[len - 1] == '.')
		len--;
	if (!buf_append(out, address, len))
		return;
	for (size_t i = 0; i < len; i++)
		folded[i] = to_lower(folded[i]);
}

/*
 * The rules of the canonical sender.  Each is given a local part in lower case,
 * changes it in place, and returns its new length, which is never more.
 */

static bool
starts_with(const char *local, size_t len, const char *prefix)
{
	const size_t n = strlen(prefix);

	return len >= n && memcmp(local, prefix, n) == 0;
}

static size_t
remove_bytes(char *local, size_t len, size_t from, size_t count)
{
	memmove(local + from, local + from + count, len - from - count);
	return len - count;
}

/* draft-levine-smtp-batv-01: "prvs=" tag "=" local part; the tag is one digit
 * of a key's number, three of a day's, and six hexadecimal digits of a hash. */
static size_t
remove_batv_tag(char *local, size_t len)
{
	enum { PREFIX = 5, DIGITS = 4, TAG = 10 };
	const char *tag = local + PREFIX;

	if (!starts_with(local, len, "prvs=") || len <= PREFIX + TAG + 1 ||
	    tag[TAG] != '=')
		return len;
	for (size_t i = 0; i < TAG; i++)
		if (!is_digit(tag[i]) &&
		    (i < DIGITS || tag[i] < 'a' || tag[i] > 'f'))
			return len;
	return remove_bytes(local, len, 0, PREFIX + TAG + 1);
}

/* Behind the next '=' from the offset `from` on.  0 when there is none, or no
 * field before it, or nothing behind it; so 0 from 0. */
static size_t
skip_field(const char *local, size_t len, size_t from)
{
	const char *end;
	size_t next;

	if (from == 0 || from >= len)
		return 0;
	end = memchr(local + from, '=', len - from);
	if (end == NULL || end == local + from)
		return 0;
	next = (size_t)(end - local) + 1;
	return next < len ? next : 0;
}

/* Behind the "hash=day=" of "hash=day=host=user", where the day is two digits;
 * 0 when that does not stand there. */
static size_t
skip_hash_and_day(const char *local, size_t len, size_t hash)
{
	const size_t day = skip_field(local, len, hash);
	const size_t host = skip_field(local, len, day);
	const size_t user = skip_field(local, len, host);

	return user != 0 && host - day == strlen("4k=") ? host : 0;
}

static bool
is_srs_separator(char c)
{
	return c == '=' || c == '+' || c == '-';
}

/* SRS0 separator hash "=" day "=" host "=" user.  The separator is the
 * forwarder's choice; it becomes '=', lest a '+' begin an extension. */
static size_t
fold_srs0(char *local, size_t len)
{
	const size_t prefix = strlen("srs0=");
	const size_t host = skip_hash_and_day(local, len, prefix);

	if (host == 0 || !starts_with(local, len, "srs0") ||
	    !is_srs_separator(local[prefix - 1]))
		return len;
	local[prefix - 1] = '=';
	return remove_bytes(local, len, prefix, host - prefix);
}

/* SRS1 separator hash "=" first forwarder "=" and the first forwarder's SRS0
 * address from its separator on. */
static size_t
fold_srs1(char *local, size_t len)
{
	const size_t prefix = strlen("srs1=");
	const size_t hop = skip_field(local, len, prefix);
	const size_t srs0 = skip_field(local, len, hop);
	const size_t host = skip_hash_and_day(local, len, srs0 + 1);

	if (srs0 == 0 || host == 0 || !starts_with(local, len, "srs1") ||
	    !is_srs_separator(local[prefix - 1]) ||
	    !is_srs_separator(local[srs0]))
		return len;
	local[prefix - 1] = '=';
	len = remove_bytes(local, len, srs0, host - srs0);
	return remove_bytes(local, len, prefix, hop - prefix);
}

/* postgrey removes everything from the first '+'; at the very beginning it is
 * no extension, since nothing would be left. */
static size_t
remove_extension(char *local, size_t len)
{
	const char *plus = len < 2 ? NULL : memchr(local + 1, '+', len - 1);

	return plus == NULL ? len : (size_t)(plus - local);
}

/* As Perl's \w. */
static bool
is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || c == '_';
}

static size_t
word_length(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && is_word(text[n]))
		n++;
	return n;
}

static bool
is_number(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_digit(text[i]))
			return false;
	return len > 0;
}

/* postgrey: a number with no letter next to it (s/\b\d+\b/#/g). */
static size_t
fold_numbers(char *local, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t word = word_length(local + i, len - i);

		if (is_number(local + i, word)) {
			local[i] = '#';
			len = remove_bytes(local, len, i + 1, word - 1);
			word = 1;
		}
		/* The word and the byte that ended it. */
		i += word + 1;
	}
	return len;
}

static size_t (*const sender_rules[])(char *local, size_t len) = {
	remove_batv_tag,
	fold_srs0,
	fold_srs1,
	remove_extension,
	fold_numbers,
};

void
mailaddr_canonical_sender(const char *sender, struct buf *out)
{
	const size_t rules = sizeof(sender_rules) / sizeof(sender_rules[0]);
	const size_t start = out->len;
	char *local = buf_space(out);
	const char *at;
	size_t len;

	mailaddr_fold(sender, out);
	at = memrchr(local, '@', out->len - start);
	if (at == NULL)
		return;
	len = (size_t)(at - local);
	for (size_t i = 0; i < rules; i++)
		len = sender_rules[i](local, len);
	out->len -= (size_t)(at - local) - len;
	/* The domain follows its shorter local part. */
	memmove(local + len, at, out->len - start - len);
}
