/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_hex.h"

#include <string.h>

static const char digit[] = "0123456789abcdef";

bool
ldap_hex_write(struct buf *out, const void *bytes, size_t len)
{
	const unsigned char *byte = bytes;

	if (len > (out->cap - out->len) / 2) {
		out->full = true;
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		out->data[out->len++] = digit[byte[i] >> 4];
		out->data[out->len++] = digit[byte[i] & 15];
	}
	return true;
}

static int
read_digit(char c)
{
	const char *found = c != '\0' ? strchr(digit, c) : NULL;

	return found != NULL ? (int)(found - digit) : -1;
}

bool
ldap_hex_read(const char *digits, unsigned char *bytes)
{
	int high;
	int low;

	for (; *digits != '\0'; digits += 2) {
		high = read_digit(digits[0]);
		low = high >= 0 ? read_digit(digits[1]) : -1;
		if (low < 0)
			return false;
		*bytes++ = (unsigned char)(high << 4 | low);
	}
	return true;
}
