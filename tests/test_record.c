/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "record.h"

#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"

#define NOW 1800000000

static const struct triplet_record triplets[] = {
	{ .first = NOW, .last = NOW, .deferred = 1 },
	{ .first = NOW, .last = NOW + 60, .deferred = 200 },
	{ .first = NOW, .passed = NOW, .last = NOW },
	{ .first = NOW, .passed = NOW + 120, .last = NOW + 3000000 },
	{ .first = 1, .passed = 2, .last = 3, .deferred = UINT_MAX },
	{ .first = (time_t)1 << 40, .last = (time_t)1 << 41 },
};

START_TEST(a_triplet_comes_back)
{
	const struct triplet_record *record = &triplets[_i];
	struct triplet_record back;
	char bytes[RECORD_SIZE];
	const size_t len = triplet_record_write(record, bytes);

	ck_assert(triplet_record_read(bytes, len, &back));
	ck_assert_int_eq(back.first, record->first);
	ck_assert_int_eq(back.passed, record->passed);
	ck_assert_int_eq(back.last, record->last);
	ck_assert_uint_eq(back.deferred, record->deferred);
}
END_TEST

START_TEST(a_client_comes_back)
{
	const struct client_record record = { .first = NOW,
		.counted = NOW + 3600,
		.last = NOW + 7000,
		.passes = 5 };
	struct client_record back;
	char bytes[RECORD_SIZE];
	const size_t len = client_record_write(&record, bytes);

	ck_assert(client_record_read(bytes, len, &back));
	ck_assert_int_eq(back.first, record.first);
	ck_assert_int_eq(back.counted, record.counted);
	ck_assert_int_eq(back.last, record.last);
	ck_assert_uint_eq(back.passes, record.passes);
}
END_TEST

START_TEST(a_pending_triplet_is_short)
{
	char bytes[RECORD_SIZE];

	ck_assert_uint_eq(triplet_record_write(&triplets[0], bytes), 9);
}
END_TEST

START_TEST(times_before_the_first_become_the_first)
{
	const struct triplet_record record = { .first = NOW, .last = NOW - 9 };
	struct triplet_record back;
	char bytes[RECORD_SIZE];
	const size_t len = triplet_record_write(&record, bytes);

	ck_assert(triplet_record_read(bytes, len, &back));
	ck_assert_int_eq(back.last, NOW);
}
END_TEST

/* A copy in memory of its own size, so that a byte too far is noticed. */
static bool
reads(const char *bytes, size_t len)
{
	struct triplet_record triplet;
	struct client_record client;
	char *copy = malloc(len > 0 ? len : 1);
	bool good;

	memcpy(copy, bytes, len);
	good = triplet_record_read(copy, len, &triplet);
	ck_assert(client_record_read(copy, len, &client) == good);
	free(copy);
	return good;
}

START_TEST(what_is_cut_is_no_row)
{
	char bytes[RECORD_SIZE + 1];
	const size_t len = triplet_record_write(&triplets[3], bytes);

	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!reads(bytes, cut));
	ck_assert(reads(bytes, len));
	bytes[len] = '\0';
	ck_assert(!reads(bytes, len + 1));
}
END_TEST

static const struct {
	const char *what;
	const char *bytes;
	size_t len;
} rubbish[] = {
	{ "nothing", "", 0 },
	{ "another version", "\x02\0\0\0\0", 5 },
	{ "a number without end", "\x01\xff\xff\xff\xff\xff\xff\xff", 8 },
	{ "a number too large",
	    "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\0\0\0", 15 },
	{ "a time that would overflow",
	    "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f\0\0\0", 13 },
	{ "text", "hello, world", 12 },
};

START_TEST(rubbish_is_no_row)
{
	ck_assert_msg(!reads(rubbish[_i].bytes, rubbish[_i].len), "%s",
	    rubbish[_i].what);
}
END_TEST

Suite *
record_suite(void)
{
	Suite *suite = suite_create("record");
	TCase *tests = tcase_create("record");

	tcase_add_loop_test(tests, a_triplet_comes_back, 0,
	    sizeof(triplets) / sizeof(triplets[0]));
	tcase_add_test(tests, a_client_comes_back);
	tcase_add_test(tests, a_pending_triplet_is_short);
	tcase_add_test(tests, times_before_the_first_become_the_first);
	tcase_add_test(tests, what_is_cut_is_no_row);
	tcase_add_loop_test(tests, rubbish_is_no_row, 0,
	    sizeof(rubbish) / sizeof(rubbish[0]));
	suite_add_tcase(suite, tests);
	return suite;
}
