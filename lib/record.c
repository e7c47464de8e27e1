/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "record.h"

#include <limits.h>
#include <stdint.h>

enum { RECORD_VERSION = 1, NUMBERS_MAX = 4, NUMBER_SIZE = 10 };

_Static_assert(1 + NUMBERS_MAX * NUMBER_SIZE <= RECORD_SIZE,
    "a row of the largest numbers fits");

/* The difference of a time to `first`, never negative. */
static uint64_t
since(time_t first, time_t then)
{
	return then > first ? (uint64_t)(then - first) : 0;
}

static size_t
write_number(uint64_t number, char *bytes)
{
	size_t len = 1;
	size_t at;

	for (uint64_t rest = number >> 7; rest > 0; rest >>= 7)
		len++;
	for (at = len; at-- > 0; number >>= 7)
		bytes[at] = (char)((number & 0x7f) | 0x80);
	bytes[len - 1] &= 0x7f;
	return len;
}

static size_t
write_row(const uint64_t *numbers, size_t count, char *bytes)
{
	size_t len = 0;

	bytes[len++] = RECORD_VERSION;
	for (size_t i = 0; i < count; i++)
		len += write_number(numbers[i], bytes + len);
	return len;
}

/* Reads one number at `*at`; false when it does not end or is too large. */
static bool
read_number(const char *bytes, size_t len, size_t *at, uint64_t *number)
{
	uint64_t value = 0;

	while (*at < len && value <= UINT64_MAX >> 7) {
		const unsigned char byte = (unsigned char)bytes[(*at)++];

		value = value << 7 | (byte & 0x7f);
		if (byte < 0x80) {
			*number = value;
			return true;
		}
	}
	return false;
}

static bool
read_row(const char *bytes, size_t len, uint64_t *numbers, size_t count)
{
	size_t at = 1;

	if (len == 0 || bytes[0] != RECORD_VERSION)
		return false;
	for (size_t i = 0; i < count; i++)
		/* All of ours fit an int64_t, also when they are added up. */
		if (!read_number(bytes, len, &at, &numbers[i]) ||
		    numbers[i] > INT64_MAX / 2)
			return false;
	return at == len;
}

static unsigned
as_count(uint64_t number)
{
	return number < UINT_MAX ? (unsigned)number : UINT_MAX;
}

size_t
triplet_record_write(const struct triplet_record *record,
    char bytes[static RECORD_SIZE])
{
	const uint64_t numbers[] = {
		since(0, record->first),
		record->deferred,
		since(record->first, record->last),
		/* One more, so that 0 says "never". */
		record->passed == 0 ? 0
				    : since(record->first, record->passed) + 1,
	};

	return write_row(numbers, 4, bytes);
}

bool
triplet_record_read(const char *bytes, size_t len,
    struct triplet_record *record)
{
	uint64_t numbers[4];

	if (!read_row(bytes, len, numbers, 4))
		return false;
	record->first = (time_t)numbers[0];
	record->deferred = as_count(numbers[1]);
	record->last = record->first + (time_t)numbers[2];
	record->passed =
	    numbers[3] == 0 ? 0 : record->first + (time_t)(numbers[3] - 1);
	return true;
}

size_t
client_record_write(const struct client_record *record,
    char bytes[static RECORD_SIZE])
{
	const uint64_t numbers[] = {
		since(0, record->first),
		record->passes,
		since(record->first, record->last),
		since(record->first, record->counted),
	};

	return write_row(numbers, 4, bytes);
}

bool
client_record_read(const char *bytes, size_t len, struct client_record *record)
{
	uint64_t numbers[4];

	if (!read_row(bytes, len, numbers, 4))
		return false;
	record->first = (time_t)numbers[0];
	record->passes = as_count(numbers[1]);
	record->last = record->first + (time_t)numbers[2];
	record->counted = record->first + (time_t)numbers[3];
	return true;
}
