/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "record.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

enum { RECORD_VERSION = 1, NUMBERS_MAX = 4, NUMBER_SIZE = 10 };

/* The bits of a recipient's row; from RECIPIENT_GREYLIST on, the mode. */
enum {
	RECIPIENT_DISABLED = 1 << 0,
	RECIPIENT_INTERNAL_ONLY = 1 << 1,
	RECIPIENT_PERMITS = 1 << 2,
	RECIPIENT_REFUSES = 1 << 3,
	RECIPIENT_ALLOWS = 1 << 4,
	RECIPIENT_GREYLIST = 5,
};

/* The version and the identity, which come before the numbers. */
enum { RECIPIENT_HEAD = 1 + RECIPIENT_ID };

_Static_assert(1 + NUMBERS_MAX * NUMBER_SIZE <= RECORD_SIZE,
    "a row of the largest numbers fits");
_Static_assert(RECIPIENT_HEAD + 3 * NUMBER_SIZE <= RECORD_SIZE,
    "a recipient's row of the largest numbers fits");

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
write_numbers(const uint64_t *numbers, size_t count, char *bytes)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += write_number(numbers[i], bytes + len);
	return len;
}

static size_t
write_row(const uint64_t *numbers, size_t count, char *bytes)
{
	bytes[0] = RECORD_VERSION;
	return 1 + write_numbers(numbers, count, bytes + 1);
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

/* Reads numbers from `at` to the end. */
static bool
read_numbers(const char *bytes, size_t len, size_t at, uint64_t *numbers,
    size_t count)
{
	for (size_t i = 0; i < count; i++)
		/* All of ours fit an int64_t, also when they are added up. */
		if (!read_number(bytes, len, &at, &numbers[i]) ||
		    numbers[i] > INT64_MAX / 2)
			return false;
	return at == len;
}

static bool
read_row(const char *bytes, size_t len, uint64_t *numbers, size_t count)
{
	return len > 0 && bytes[0] == RECORD_VERSION &&
	       read_numbers(bytes, len, 1, numbers, count);
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

static uint64_t
bit(bool is_set, unsigned bit)
{
	return is_set ? bit : 0;
}

size_t
recipient_record_write(const struct recipient_record *record,
    char bytes[static RECORD_SIZE])
{
	const uint64_t numbers[] = {
		bit(record->disabled, RECIPIENT_DISABLED) |
		    bit(record->internal_only, RECIPIENT_INTERNAL_ONLY) |
		    bit(record->permits, RECIPIENT_PERMITS) |
		    bit(record->refuses, RECIPIENT_REFUSES) |
		    bit(record->allows, RECIPIENT_ALLOWS) |
		    (uint64_t)record->greylist << RECIPIENT_GREYLIST,
		record->max_size < INT64_MAX / 2 ? record->max_size : 0,
		since(0, record->delay),
	};

	bytes[0] = RECORD_VERSION;
	memcpy(bytes + 1, record->id, RECIPIENT_ID);
	return RECIPIENT_HEAD +
	       write_numbers(numbers, 3, bytes + RECIPIENT_HEAD);
}

bool
recipient_record_read(const char *bytes, size_t len,
    struct recipient_record *record)
{
	uint64_t numbers[3];

	if (len < RECIPIENT_HEAD || bytes[0] != RECORD_VERSION ||
	    !read_numbers(bytes, len, RECIPIENT_HEAD, numbers, 3) ||
	    numbers[0] >> RECIPIENT_GREYLIST > RECIPIENT_GREYLIST_OFF)
		return false;
	memcpy(record->id, bytes + 1, RECIPIENT_ID);
	record->disabled = (numbers[0] & RECIPIENT_DISABLED) != 0;
	record->internal_only = (numbers[0] & RECIPIENT_INTERNAL_ONLY) != 0;
	record->permits = (numbers[0] & RECIPIENT_PERMITS) != 0;
	record->refuses = (numbers[0] & RECIPIENT_REFUSES) != 0;
	record->allows = (numbers[0] & RECIPIENT_ALLOWS) != 0;
	record->greylist =
	    (enum recipient_greylist)(numbers[0] >> RECIPIENT_GREYLIST);
	record->max_size = numbers[1];
	record->delay = (time_t)numbers[2];
	return true;
}
