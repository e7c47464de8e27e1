/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "record.h"

#include <check.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "descriptors.h"
#include "suites.h"

#define NOW 1800000000

/* The largest number of a row; two of them can be added up. */
#define TIME_MOST ((time_t)(INT64_MAX / 2))

static const struct triplet_record triplets[] = {
	{ .first = NOW, .last = NOW, .deferred = 1 },
	{ .first = NOW, .last = NOW + 60, .deferred = 200 },
	{ .first = NOW, .passed = NOW, .last = NOW },
	{ .first = NOW, .passed = NOW + 120, .last = NOW + 3000000 },
	{ .first = 1, .passed = 2, .last = 3, .deferred = UINT_MAX },
	{ .first = (time_t)1 << 40, .last = (time_t)1 << 41 },
	{ .first = 0, .last = 0 },
	{ .first = 0, .passed = 1, .last = 1 },
	{ .first = TIME_MOST, .passed = TIME_MOST, .last = TIME_MOST },
	{ .first = 1, .passed = TIME_MOST, .last = TIME_MOST },
	{ .first = 127, .passed = 128 + 127, .last = 127 + 128 },
	{ .first = 16383, .last = 16383 + 16384, .deferred = 16384 },
};

#define TRIPLETS (sizeof(triplets) / sizeof(triplets[0]))

START_TEST(a_triplet_comes_back)
{
	const struct triplet_record *record = &triplets[_i];
	struct triplet_record back;
	char bytes[RECORD_SIZE];
	const size_t len = triplet_record_write(record, bytes);

	ck_assert_uint_le(len, RECORD_SIZE);
	ck_assert(triplet_record_read(bytes, len, &back));
	ck_assert_int_eq(back.first, record->first);
	ck_assert_int_eq(back.passed, record->passed);
	ck_assert_int_eq(back.last, record->last);
	ck_assert_uint_eq(back.deferred, record->deferred);
}
END_TEST

static const struct client_record clients[] = {
	{ .first = NOW,
	    .counted = NOW + 3600,
	    .last = NOW + 7000,
	    .passes = 5 },
	{ .first = 0 },
	{ .first = NOW, .counted = NOW, .last = NOW, .passes = UINT_MAX },
	{ .first = TIME_MOST, .counted = TIME_MOST, .last = TIME_MOST },
	{ .first = 1, .counted = TIME_MOST, .last = TIME_MOST, .passes = 1 },
};

START_TEST(a_client_comes_back)
{
	const struct client_record *record = &clients[_i];
	struct client_record back;
	char bytes[RECORD_SIZE];
	const size_t len = client_record_write(record, bytes);

	ck_assert_uint_le(len, RECORD_SIZE);
	ck_assert(client_record_read(bytes, len, &back));
	ck_assert_int_eq(back.first, record->first);
	ck_assert_int_eq(back.counted, record->counted);
	ck_assert_int_eq(back.last, record->last);
	ck_assert_uint_eq(back.passes, record->passes);
}
END_TEST

/* These bytes are on disk: schema/store.md. */
START_TEST(the_bytes_are_those_of_the_schema)
{
	static const struct triplet_record triplet = { .first = 300,
		.passed = 420,
		.last = 428,
		.deferred = 3 };
	static const struct client_record client = { .first = 300,
		.counted = 420,
		.last = 428,
		.passes = 3 };
	char bytes[RECORD_SIZE];

	ck_assert_uint_eq(triplet_record_write(&triplet, bytes), 7);
	ck_assert(memcmp(bytes, "\x01\x82\x2c\x03\x81\x00\x79", 7) == 0);
	ck_assert_uint_eq(client_record_write(&client, bytes), 7);
	ck_assert(memcmp(bytes, "\x01\x82\x2c\x03\x81\x00\x78", 7) == 0);
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
	const struct triplet_record record = { .first = NOW,
		.passed = NOW - 5,
		.last = NOW - 9 };
	const struct client_record client = { .first = NOW,
		.counted = NOW - 5,
		.last = NOW - 9 };
	struct triplet_record back;
	struct client_record client_back;
	char bytes[RECORD_SIZE];
	size_t len = triplet_record_write(&record, bytes);

	ck_assert(triplet_record_read(bytes, len, &back));
	ck_assert_int_eq(back.last, NOW);
	ck_assert_int_eq(back.passed, NOW);
	len = client_record_write(&client, bytes);
	ck_assert(client_record_read(bytes, len, &client_back));
	ck_assert_int_eq(client_back.last, NOW);
	ck_assert_int_eq(client_back.counted, NOW);
}
END_TEST

START_TEST(a_time_before_1970_becomes_1970)
{
	const struct triplet_record record = { .first = -5, .last = -3 };
	struct triplet_record back;
	char bytes[RECORD_SIZE];
	const size_t len = triplet_record_write(&record, bytes);

	ck_assert(triplet_record_read(bytes, len, &back));
	ck_assert_int_eq(back.first, 0);
	ck_assert_int_ge(back.last, 0);
}
END_TEST

/* Cheaper than ck_assert(), which tells another process that it was passed. */
static void
must(bool condition, const char *what)
{
	if (!condition)
		ck_abort_msg("%s", what);
}

static bool
is_triplet(const char *bytes, size_t len)
{
	struct triplet_record record = { 1, 2, 3, 4 };
	const bool good = triplet_record_read(bytes, len, &record);

	must(good || (record.first == 1 && record.passed == 2 &&
			 record.last == 3 && record.deferred == 4),
	    "what is no row changes nothing");
	must(!good ||
		 (record.first >= 0 && record.last >= record.first &&
		     (record.passed == 0 || record.passed >= record.first)),
	    "the times of a triplet are in order");
	return good;
}

static bool
is_client(const char *bytes, size_t len)
{
	struct client_record record = { 1, 2, 3, 4 };
	const bool good = client_record_read(bytes, len, &record);

	must(good || (record.first == 1 && record.counted == 2 &&
			 record.last == 3 && record.passes == 4),
	    "what is no row changes nothing");
	must(!good || (record.first >= 0 && record.last >= record.first &&
			  record.counted >= record.first),
	    "the times of a client are in order");
	return good;
}

/* Whether the bytes are a row: of either kind or of none, as both are four
 * numbers.  They stand at the end of memory of their own, so that a byte too
 * far is noticed. */
static bool
reads(const char *bytes, size_t len)
{
	char *memory = malloc(len + 1);
	char *copy = memory + 1;
	bool good;

	must(memory != NULL, "there is memory");
	memcpy(copy, bytes, len);
	good = is_triplet(copy, len);
	must(is_client(copy, len) == good, "both kinds are rows or none");
	free(memory);
	return good;
}

START_TEST(what_is_cut_is_no_row)
{
	char bytes[RECORD_SIZE + 1];
	const size_t len = triplet_record_write(&triplets[_i], bytes);

	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!reads(bytes, cut));
	ck_assert(reads(bytes, len));
	bytes[len] = '\0';
	ck_assert(!reads(bytes, len + 1));
}
END_TEST

START_TEST(only_our_version_is_a_row)
{
	char bytes[RECORD_SIZE];
	const size_t len = triplet_record_write(&triplets[3], bytes);

	for (int version = 0; version <= UCHAR_MAX; version++) {
		bytes[0] = (char)version;
		ck_assert(reads(bytes, len) == (version == 1));
	}
}
END_TEST

static const struct {
	const char *what;
	const char *bytes;
	size_t len;
} rubbish[] = {
	{ "nothing", "", 0 },
	{ "a version alone", "\x01", 1 },
	{ "another version", "\x02\0\0\0\0", 5 },
	{ "three numbers", "\x01\0\0\0", 4 },
	{ "five numbers", "\x01\0\0\0\0\0", 6 },
	{ "a last number without end", "\x01\0\0\0\x80", 5 },
	{ "a number without end", "\x01\xff\xff\xff\xff\xff\xff\xff", 8 },
	{ "a number too large",
	    "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\0\0\0", 15 },
	{ "a number that is zero again after 64 bits",
	    "\x01\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00\0\0\0", 14 },
	{ "a time that would overflow",
	    "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f\0\0\0", 13 },
	{ "a time one second too late",
	    "\x01\xc0\x80\x80\x80\x80\x80\x80\x80\x00\0\0\0", 13 },
	{ "a last difference one second too large",
	    "\x01\0\0\0\xc0\x80\x80\x80\x80\x80\x80\x80\x00", 13 },
	{ "text", "hello, world", 12 },
};

START_TEST(rubbish_is_no_row)
{
	ck_assert_msg(!reads(rubbish[_i].bytes, rubbish[_i].len), "%s",
	    rubbish[_i].what);
}
END_TEST

/* More attempts than can be counted are as many as can be counted. */
START_TEST(a_count_does_not_start_anew)
{
	static const char bytes[] = "\x01\0\x90\x80\x80\x80\x00\0\0";
	struct triplet_record triplet;
	struct client_record client;

	ck_assert(triplet_record_read(bytes, sizeof(bytes) - 1, &triplet));
	ck_assert_uint_eq(triplet.deferred, UINT_MAX);
	ck_assert(client_record_read(bytes, sizeof(bytes) - 1, &client));
	ck_assert_uint_eq(client.passes, UINT_MAX);
}
END_TEST

/* The same bytes each time, from a generator of our own. */
static unsigned
next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

START_TEST(random_bytes_do_no_harm)
{
	uint32_t state = 1;
	char bytes[2 * RECORD_SIZE];
	unsigned rows = 0;

	for (int i = 0; i < 20000; i++) {
		const size_t len =
		    next_random(&state) % (i % 2 == 0 ? 8 : sizeof(bytes));

		for (size_t at = 0; at < len; at++)
			bytes[at] = (char)next_random(&state);
		bytes[0] = 1;
		rows += reads(bytes, len);
	}
	ck_assert_uint_gt(rows, 0);
}
END_TEST

/* Whatever one byte becomes, it is a row whose times are in order or none. */
START_TEST(a_flipped_byte_does_no_harm)
{
	char bytes[RECORD_SIZE];
	const size_t len = triplet_record_write(&triplets[_i], bytes);

	for (size_t at = 0; at < len; at++) {
		const char was = bytes[at];

		for (int byte = 0; byte <= UCHAR_MAX; byte++) {
			bytes[at] = (char)byte;
			reads(bytes, len);
		}
		bytes[at] = was;
	}
}
END_TEST

static const struct recipient_record recipients[] = {
	{ .id = { 0 } },
	{ .id = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255 },
	    .disabled = true },
	{ .internal_only = true, .max_size = 10485760 },
	{ .permits = true, .refuses = true },
	{ .allows = true, .greylist = RECIPIENT_GREYLIST_OFF },
	{ .greylist = RECIPIENT_GREYLIST_ON, .delay = 600 },
	{ .disabled = true,
	    .internal_only = true,
	    .permits = true,
	    .refuses = true,
	    .allows = true,
	    .max_size = INT64_MAX / 2 - 1,
	    .greylist = RECIPIENT_GREYLIST_OBSERVE,
	    .delay = 86400 },
};

enum { RECIPIENTS = sizeof(recipients) / sizeof(recipients[0]) };

START_TEST(a_recipient_comes_back)
{
	const struct recipient_record *written = &recipients[_i];
	struct recipient_record read = { .delay = 7 };
	char bytes[RECORD_SIZE];
	const size_t len = recipient_record_write(written, bytes);

	ck_assert_uint_le(len, RECORD_SIZE);
	ck_assert(recipient_record_read(bytes, len, &read));
	ck_assert_mem_eq(read.id, written->id, RECIPIENT_ID);
	ck_assert(read.disabled == written->disabled);
	ck_assert(read.internal_only == written->internal_only);
	ck_assert(read.permits == written->permits);
	ck_assert(read.refuses == written->refuses);
	ck_assert(read.allows == written->allows);
	ck_assert_uint_eq(read.max_size, written->max_size);
	ck_assert_int_eq(read.greylist, written->greylist);
	ck_assert_int_eq(read.delay, written->delay);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!recipient_record_read(bytes, cut, &read));
}
END_TEST

START_TEST(a_plain_recipient_is_short)
{
	char bytes[RECORD_SIZE];

	ck_assert_uint_eq(recipient_record_write(&recipients[0], bytes), 20);
}
END_TEST

START_TEST(random_bytes_are_no_odd_recipient)
{
	uint32_t state = 2;
	char bytes[RECORD_SIZE];
	struct recipient_record record;

	for (int i = 0; i < 20000; i++) {
		const size_t len = next_random(&state) % sizeof(bytes);

		for (size_t at = 0; at < len; at++)
			bytes[at] = (char)next_random(&state);
		bytes[0] = 1;
		if (recipient_record_read(bytes, len, &record)) {
			ck_assert_int_le(record.greylist,
			    RECIPIENT_GREYLIST_OFF);
			ck_assert_int_ge(record.delay, 0);
		}
	}
}
END_TEST

Suite *
record_suite(void)
{
	Suite *suite = suite_create("record");
	TCase *tests = tcase_create("record");

	tcase_add_checked_fixture(tests, descriptors_count, descriptors_check);
	tcase_add_loop_test(tests, a_triplet_comes_back, 0, TRIPLETS);
	tcase_add_loop_test(tests, a_client_comes_back, 0,
	    sizeof(clients) / sizeof(clients[0]));
	tcase_add_test(tests, the_bytes_are_those_of_the_schema);
	tcase_add_test(tests, a_pending_triplet_is_short);
	tcase_add_test(tests, times_before_the_first_become_the_first);
	tcase_add_test(tests, a_time_before_1970_becomes_1970);
	tcase_add_loop_test(tests, what_is_cut_is_no_row, 0, TRIPLETS);
	tcase_add_test(tests, only_our_version_is_a_row);
	tcase_add_loop_test(tests, rubbish_is_no_row, 0,
	    sizeof(rubbish) / sizeof(rubbish[0]));
	tcase_add_test(tests, a_count_does_not_start_anew);
	tcase_add_test(tests, random_bytes_do_no_harm);
	tcase_add_loop_test(tests, a_recipient_comes_back, 0, RECIPIENTS);
	tcase_add_test(tests, a_plain_recipient_is_short);
	tcase_add_test(tests, random_bytes_are_no_odd_recipient);
	tcase_add_loop_test(tests, a_flipped_byte_does_no_harm, 0, TRIPLETS);
	suite_add_tcase(suite, tests);
	return suite;
}
