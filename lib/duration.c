/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "duration.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "buf.h"

struct unit {
	char letter;
	uint64_t worth;
};

/* From the largest to the smallest, which is 1. */
static const struct unit duration_units[] = {
	{ 'w', 7 * 24 * 60 * 60 },
	{ 'd', 24 * 60 * 60 },
	{ 'h', 60 * 60 },
	{ 'm', 60 },
	{ 's', 1 },
	{ '\0', 0 },
};

static const struct unit *const days_and_less = duration_units + 1;

static const struct unit size_units[] = {
	{ 'T', (uint64_t)1 << 40 },
	{ 'G', (uint64_t)1 << 30 },
	{ 'M', (uint64_t)1 << 20 },
	{ 'K', (uint64_t)1 << 10 },
	{ 'B', 1 },
	{ '\0', 0 },
};

/* Moves behind a decimal number.  False when it is missing or too large. */
static bool
read_number(const char **text, uint64_t *number)
{
	const char *at = *text;

	*number = 0;
	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(*at - '0'),
			number))
			return false;
	if (at == *text)
		return false;
	*text = at;
	return true;
}

/* Adds up numbers with falling units.  Returns what is wrong, or NULL. */
static const char *
read_sum(const char *text, const struct unit *unit, uint64_t *sum)
{
	*sum = 0;
	do {
		uint64_t number;

		if (!read_number(&text, &number))
			return "a number is missing or too large";
		while (unit->letter != '\0' && unit->letter != *text)
			unit++;
		if (*text == '\0')
			return "the unit is missing";
		if (unit->letter == '\0')
			return "the unit is not known or not smaller than "
			       "the one before it";
		if (__builtin_mul_overflow(number, unit->worth, &number) ||
		    __builtin_add_overflow(*sum, number, sum))
			return "it is too large";
		unit++;
		text++;
	} while (*text != '\0');
	return NULL;
}

int
duration_parse(const char *text, int64_t *seconds, struct err *err)
{
	uint64_t sum;
	const char *wrong = read_sum(text, duration_units, &sum);

	if (wrong == NULL && sum > INT64_MAX)
		wrong = "it is too large";
	if (wrong != NULL) {
		err_set(err,
		    "\"%.80s\" is not a duration, %s; write it like 90s, 2m "
		    "or 2d12h, with the units w, d, h, m and s",
		    text, wrong);
		return -1;
	}
	*seconds = (int64_t)sum;
	return 0;
}

void
duration_format(int64_t seconds, char text[static DURATION_TEXT])
{
	uint64_t rest = seconds < 0 ? 0 - (uint64_t)seconds : (uint64_t)seconds;
	struct buf out;

	buf_init(&out, text, DURATION_TEXT - 1);
	if (seconds < 0)
		buf_putc(&out, '-');
	for (const struct unit *unit = days_and_less; unit->letter != '\0';
	     unit++) {
		const uint64_t number = rest / unit->worth;

		rest %= unit->worth;
		if (number > 0 || (seconds == 0 && unit->worth == 1)) {
			buf_put_number(&out, (long long)number);
			buf_putc(&out, unit->letter);
		}
	}
	text[out.len] = '\0';
}

int
size_parse(const char *text, uint64_t *bytes, struct err *err)
{
	uint64_t sum;
	const char *wrong = read_sum(text, size_units, &sum);

	if (wrong != NULL) {
		err_set(err,
		    "\"%.80s\" is not a size, %s; write it like 512B, 4K or "
		    "64M, with the units T, G, M, K and B",
		    text, wrong);
		return -1;
	}
	*bytes = sum;
	return 0;
}

void
size_format(uint64_t bytes, char text[static SIZE_TEXT])
{
	const struct unit *unit = size_units;

	while (unit->worth > 1 && (bytes == 0 || bytes % unit->worth != 0))
		unit++;
	snprintf(text, SIZE_TEXT, "%" PRIu64 "%c", bytes / unit->worth,
	    unit->letter);
}
