/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "greylist.h"

#include <check.h>

#include "suites.h"

/* Everything counts from here. */
#define START 1000000

enum { HOUR = 3600, DAY = 24 * HOUR };

static const struct greylist_policy policy = {
	.delay = 120,
	.retry_window = 48 * HOUR,
	.keep = 36 * DAY,
	.whitelist_after = 3,
};

/* A triplet's life: attempts at seconds after START, and what is answered. */
struct attempt {
	time_t at;
	enum greylist_outcome outcome;
	time_t delay;
	time_t wait;
};

static const struct life {
	const char *what;
	struct attempt attempts[8];
} lives[] = {
	{ "a retry after the delay passes",
	    { { 0, GREYLIST_NEW, 0, 120 }, { 120, GREYLIST_PASS, 120, 0 },
		{ 121, GREYLIST_KNOWN, 0, 0 } } },
	{ "a retry one second early is deferred",
	    { { 0, GREYLIST_NEW, 0, 120 }, { 119, GREYLIST_EARLY, 119, 1 },
		{ 120, GREYLIST_PASS, 120, 0 } } },
	{ "early retries do not start the clock again",
	    { { 0, GREYLIST_NEW, 0, 120 }, { 30, GREYLIST_EARLY, 30, 90 },
		{ 60, GREYLIST_EARLY, 60, 60 }, { 90, GREYLIST_EARLY, 90, 30 },
		{ 125, GREYLIST_PASS, 125, 0 } } },
	{ "the last second of the window passes",
	    { { 0, GREYLIST_NEW, 0, 120 },
		{ 48 * HOUR, GREYLIST_PASS, 48 * HOUR, 0 } } },
	{ "a retry after the window counts as the first",
	    { { 0, GREYLIST_NEW, 0, 120 },
		{ 48 * HOUR + 1, GREYLIST_LATE, 0, 120 },
		{ 48 * HOUR + 60, GREYLIST_EARLY, 59, 61 },
		{ 48 * HOUR + 121, GREYLIST_PASS, 120, 0 } } },
	{ "what has passed is kept after its last use",
	    { { 0, GREYLIST_NEW, 0, 120 }, { 200, GREYLIST_PASS, 200, 0 },
		{ 30 * DAY, GREYLIST_KNOWN, 0, 0 },
		{ 66 * DAY, GREYLIST_KNOWN, 0, 0 } } },
	{ "what was not used for too long is new again",
	    { { 0, GREYLIST_NEW, 0, 120 }, { 200, GREYLIST_PASS, 200, 0 },
		{ 36 * DAY + 201, GREYLIST_NEW, 0, 120 },
		{ 36 * DAY + 321, GREYLIST_PASS, 120, 0 } } },
	{ "a clock that steps back a little counts as no time",
	    { { 0, GREYLIST_NEW, 0, 120 }, { 60, GREYLIST_EARLY, 60, 60 },
		{ 10, GREYLIST_EARLY, 10, 110 },
		{ 120, GREYLIST_PASS, 120, 0 } } },
	{ "a first attempt in the future begins anew",
	    { { DAY, GREYLIST_NEW, 0, 120 }, { 0, GREYLIST_EARLY, 0, 120 },
		{ 120, GREYLIST_PASS, 120, 0 } } },
	{ "what has passed in the future is known, and not for ever",
	    { { DAY, GREYLIST_NEW, 0, 120 },
		{ DAY + 120, GREYLIST_PASS, 120, 0 },
		{ 0, GREYLIST_KNOWN, 0, 0 },
		{ 36 * DAY + 1, GREYLIST_NEW, 0, 120 } } },
};

START_TEST(a_triplet_lives)
{
	const struct life *life = &lives[_i];
	struct triplet_record record = { 0 };
	char bytes[RECORD_SIZE];

	for (size_t i = 0; i < 8; i++) {
		const struct attempt *attempt = &life->attempts[i];
		struct greylist_judgement judgement;

		if (i > 0 && attempt->at == 0 && attempt->wait == 0 &&
		    attempt->outcome == GREYLIST_NEW)
			break;
		judgement =
		    greylist_judge(&policy, &record, START + attempt->at);
		ck_assert_msg(judgement.outcome == attempt->outcome,
		    "%s, attempt %zu: outcome %u", life->what, i + 1,
		    judgement.outcome);
		ck_assert_msg(judgement.delay == attempt->delay &&
				  judgement.wait == attempt->wait,
		    "%s, attempt %zu: delay %ld, wait %ld", life->what, i + 1,
		    (long)judgement.delay, (long)judgement.wait);
		/* What is remembered is what comes back from the store. */
		ck_assert(triplet_record_read(bytes,
		    triplet_record_write(&record, bytes), &record));
	}
}
END_TEST

START_TEST(deferred_attempts_are_counted)
{
	struct triplet_record record = { 0 };

	for (time_t at = 0; at < 100; at += 10)
		greylist_judge(&policy, &record, START + at);
	ck_assert_uint_eq(record.deferred, 10);
}
END_TEST

START_TEST(a_busy_triplet_is_seldom_written)
{
	struct triplet_record record = { 0 };
	unsigned written = 0;

	greylist_judge(&policy, &record, START);
	greylist_judge(&policy, &record, START + 120);
	for (time_t at = 0; at < DAY; at += 10)
		written +=
		    greylist_judge(&policy, &record, START + 200 + at).changed
			? 1
			: 0;
	/* keep / 1000 is 52 minutes. */
	ck_assert_uint_ge(written, 20);
	ck_assert_uint_le(written, 30);
}
END_TEST

START_TEST(passes_count_once_an_hour)
{
	struct client_record client = { 0 };

	ck_assert(greylist_count_pass(&policy, &client, START));
	ck_assert_uint_eq(client.passes, 1);
	greylist_count_pass(&policy, &client, START + HOUR - 1);
	ck_assert_uint_eq(client.passes, 1);
	greylist_count_pass(&policy, &client, START + HOUR);
	ck_assert_uint_eq(client.passes, 2);
	ck_assert(!greylist_trusts(&policy, &client, START + HOUR));
	greylist_count_pass(&policy, &client, START + 2 * HOUR);
	ck_assert(greylist_trusts(&policy, &client, START + 2 * HOUR));
}
END_TEST

START_TEST(trust_ends_when_it_is_not_used)
{
	struct client_record client = { .first = START,
		.counted = START,
		.last = START,
		.passes = 3 };

	ck_assert(greylist_trusts(&policy, &client, START + 36 * DAY));
	ck_assert(!greylist_trusts(&policy, &client, START + 36 * DAY + 1));
	ck_assert(greylist_note_use(&policy, &client, START + 30 * DAY));
	ck_assert(greylist_trusts(&policy, &client, START + 60 * DAY));
	greylist_count_pass(&policy, &client, START + 100 * DAY);
	ck_assert_uint_eq(client.passes, 1);
}
END_TEST

START_TEST(nobody_is_trusted_when_whitelist_after_is_0)
{
	const struct greylist_policy never = { .keep = DAY };
	const struct client_record client = { .first = START,
		.last = START,
		.passes = 1000 };

	ck_assert(!greylist_trusts(&never, &client, START));
}
END_TEST

START_TEST(a_network_counted_in_the_future_counts_again)
{
	struct client_record client = { 0 };

	greylist_count_pass(&policy, &client, START + DAY);
	ck_assert(greylist_count_pass(&policy, &client, START));
	ck_assert_uint_eq(client.passes, 2);
	ck_assert_int_eq(client.counted, START);
	ck_assert_int_eq(client.last, START);
}
END_TEST

Suite *
greylist_suite(void)
{
	Suite *suite = suite_create("greylist");
	TCase *tests = tcase_create("greylist");

	tcase_add_loop_test(tests, a_triplet_lives, 0,
	    sizeof(lives) / sizeof(lives[0]));
	tcase_add_test(tests, deferred_attempts_are_counted);
	tcase_add_test(tests, a_busy_triplet_is_seldom_written);
	tcase_add_test(tests, passes_count_once_an_hour);
	tcase_add_test(tests, trust_ends_when_it_is_not_used);
	tcase_add_test(tests, nobody_is_trusted_when_whitelist_after_is_0);
	tcase_add_test(tests, a_network_counted_in_the_future_counts_again);
	suite_add_tcase(suite, tests);
	return suite;
}
