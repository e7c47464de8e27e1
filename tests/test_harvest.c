/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "harvest.h"

#include <check.h>
#include <string.h>

#include "origin.h"
#include "suites.h"

#define START 1000000000
#define HALF_LIFE 600
#define ROOM 1024

static const struct siphash_secret secret = { { 1, 2 } };
static struct harvest_policy policy;
static struct harvest *harvest;

static void
set_up(void)
{
	policy = (struct harvest_policy){
		.action = HARVEST_SLOW,
		.threshold = 20,
		.half_life = HALF_LIFE,
	};
	harvest = harvest_create(ROOM, &secret);
}

static void
tear_down(void)
{
	harvest_destroy(harvest);
}

/* One of 2^32 origins, by its number; returns the length of the key. */
static size_t
make_key(uint32_t number, char key[static ORIGIN_KEY_MAX])
{
	key[0] = ORIGIN_IPV6;
	memset(key + 1, 0, 8);
	memcpy(key + 1, &number, sizeof(number));
	return 9;
}

static void
note(uint32_t origin, unsigned times, time_t seconds)
{
	char key[ORIGIN_KEY_MAX];
	const size_t len = make_key(origin, key);

	while (times-- > 0)
		harvest_note(harvest, &policy, key, len, START + seconds);
}

static double
count(uint32_t origin, time_t seconds)
{
	char key[ORIGIN_KEY_MAX];
	const size_t len = make_key(origin, key);

	return harvest_count(harvest, &policy, key, len, START + seconds);
}

static bool
is_over(uint32_t origin, time_t seconds)
{
	char key[ORIGIN_KEY_MAX];
	const size_t len = make_key(origin, key);

	return harvest_is_over(harvest, &policy, key, len, START + seconds);
}

START_TEST(an_origin_that_did_nothing_has_no_count)
{
	ck_assert_double_eq(count(1, 0), 0);
	ck_assert(!is_over(1, 0));
	note(2, 100, 0);
	ck_assert_double_eq(count(1, 0), 0);
	ck_assert(!is_over(1, 0));
}
END_TEST

/* Each begins with 64 unknown recipients at once; half-lives are 600 s. */
static const struct decay_case {
	const char *name;
	time_t after;
	double low;
	double high;
} decay_cases[] = {
	{ "at once it is whole", 0, 64, 64 },
	{ "after one half-life it is exactly one half", 600, 32, 32 },
	{ "after two it is exactly a quarter", 1200, 16, 16 },
	{ "after six one is left", 3600, 1, 1 },
	{ "half-way it is the square root of one half", 300, 45.2548, 45.2549 },
	{ "a second takes a little", 1, 63.92, 63.93 },
	{ "after a year nothing is left", 365 * 86400, 0, 1e-300 },
	{ "a clock that steps back takes nothing", -86400, 64, 64 },
};

START_TEST(a_count_fades)
{
	const struct decay_case *c = &decay_cases[_i];
	double left;

	note(1, 64, 0);
	left = count(1, c->after);
	ck_assert_msg(left >= c->low && left <= c->high, "%s: %.17g", c->name,
	    left);
}
END_TEST

START_TEST(reading_a_count_does_not_change_it)
{
	note(1, 64, 0);
	for (time_t now = 0; now <= HALF_LIFE; now++)
		count(1, now);
	ck_assert_double_eq(count(1, HALF_LIFE), 32);
}
END_TEST

START_TEST(what_is_counted_often_fades_as_fast)
{
	double left;

	note(1, 1, 0);
	for (time_t now = 1; now <= 20 * HALF_LIFE; now++)
		note(1, now % 60 == 0, now);
	/* One a minute adds up to 1 / (1 - 2^-(60/600)). */
	left = count(1, 20 * HALF_LIFE);
	ck_assert_double_gt(left, 14.93);
	ck_assert_double_lt(left, 14.94);
	ck_assert(!is_over(1, 20 * HALF_LIFE));
}
END_TEST

START_TEST(an_entry_from_the_future_fades_from_now_on)
{
	note(1, 64, 365 * 86400);
	ck_assert_double_eq(count(1, 0), 64);
	ck_assert_double_eq(count(1, HALF_LIFE), 32);
	note(1, 1, HALF_LIFE);
	ck_assert_double_eq(count(1, 2 * HALF_LIFE), 16.5);
}
END_TEST

START_TEST(past_the_threshold_an_origin_is_over)
{
	note(1, 20, 0);
	ck_assert(!is_over(1, 0));
	note(1, 1, 0);
	ck_assert(is_over(1, 0));
	ck_assert(!is_over(2, 0));
	/* 600 * log2(21 / 20) is 42.2. */
	ck_assert(is_over(1, 42));
	ck_assert(!is_over(1, 43));
}
END_TEST

START_TEST(who_stops_is_forgiven_after_four_half_lives)
{
	note(1, 100000, 0);
	ck_assert_double_eq(count(1, 0), 320);
	ck_assert(is_over(1, 4 * HALF_LIFE - 1));
	ck_assert(!is_over(1, 4 * HALF_LIFE));
	ck_assert_uint_eq(harvest_counters(harvest)->noted, 100000);
}
END_TEST

START_TEST(keys_of_all_kinds_differ)
{
	static const char keys[][ORIGIN_KEY_MAX] = {
		{ ORIGIN_UNKNOWN },
		{ ORIGIN_IPV4, 10, 0, 0 },
		{ ORIGIN_IPV6, 10, 0, 0 },
	};
	static const size_t lens[][2] = { { 0, 1 }, { 1, 4 }, { 1, 5 },
		{ 2, 4 }, { 2, 17 } };

	for (size_t i = 0; i < 5; i++) {
		const char *key = keys[lens[i][0]];

		ck_assert_double_eq(harvest_count(harvest, &policy, key,
					lens[i][1], START),
		    0);
		harvest_note(harvest, &policy, key, lens[i][1], START);
	}
}
END_TEST

/* How many of the origins are known. */
static uint32_t
known(uint32_t first, uint32_t end)
{
	uint32_t found = 0;

	for (uint32_t origin = first; origin < end; origin++)
		found += count(origin, 0) > 0;
	return found;
}

START_TEST(there_is_room_for_so_many)
{
	for (uint32_t origin = 0; origin < ROOM / 2; origin++)
		note(origin, 1, 0);
	/* Of half as many origins as there is room for, almost all have it. */
	ck_assert_uint_gt(known(0, ROOM / 2), ROOM / 2 - ROOM / 50);
	ck_assert_uint_eq(known(0, ROOM / 2),
	    ROOM / 2 - harvest_counters(harvest)->evicted);
	for (uint32_t origin = ROOM / 2; origin < 100 * ROOM; origin++)
		note(origin, 1, 0);
	ck_assert_uint_eq(known(0, 100 * ROOM), ROOM);
	ck_assert_uint_eq(harvest_counters(harvest)->evicted, 99 * ROOM);
}
END_TEST

START_TEST(a_million_origins_do_not_displace_a_harvester)
{
	enum { HEAVY = 5, ORIGINS = 1000000 };

	for (uint32_t heavy = 0; heavy < HEAVY; heavy++)
		note(heavy, 100, 0);
	for (uint32_t origin = HEAVY; origin < ORIGINS; origin++)
		note(origin, 1, 0);
	for (uint32_t heavy = 0; heavy < HEAVY; heavy++)
		ck_assert_double_eq(count(heavy, 0), 100);
	ck_assert_uint_eq(known(0, ORIGINS), ROOM);
}
END_TEST

START_TEST(a_harvester_is_counted_in_a_full_table)
{
	for (uint32_t origin = 1; origin < 10 * ROOM; origin++)
		note(origin, 1, 0);
	for (uint32_t i = 0; i < 21; i++) {
		note(0, 1, i);
		/* What else comes meanwhile. */
		for (uint32_t origin = 1; origin < ROOM; origin++)
			note((i + 20) * ROOM + origin, i > 0, i);
	}
	ck_assert_double_gt(count(0, 20), 20);
}
END_TEST

START_TEST(faded_counts_make_room)
{
	for (uint32_t origin = 0; origin < 10 * ROOM; origin++)
		note(origin, 1, 0);
	harvest_counters(harvest)->evicted = 0;
	for (uint32_t origin = 0; origin < ROOM / 2; origin++)
		note(10 * ROOM + origin, 1, HALF_LIFE + 1);
	ck_assert_uint_lt(harvest_counters(harvest)->evicted, ROOM / 50);
}
END_TEST

/* Eight ways make a set: seven heavier ones stay, the lightest goes. */
START_TEST(the_smallest_count_makes_room)
{
	harvest_destroy(harvest);
	harvest = harvest_create(1, &secret);
	for (uint32_t origin = 0; origin < 8; origin++)
		note(origin, origin + 3, 0);
	ck_assert_uint_eq(known(0, 8), 8);
	note(8, 1, 0);
	ck_assert_double_eq(count(0, 0), 0);
	for (uint32_t origin = 1; origin < 7; origin++)
		ck_assert_double_eq(count(origin, 0), origin + 3);
	ck_assert_double_eq(count(7, 0), 10);
	ck_assert_double_eq(count(8, 0), 1);
}
END_TEST

START_TEST(old_and_large_goes_before_new_and_small)
{
	harvest_destroy(harvest);
	harvest = harvest_create(8, &secret);
	note(0, 100, 0);
	for (uint32_t origin = 1; origin < 8; origin++)
		note(origin, 2, 10 * HALF_LIFE);
	note(8, 1, 10 * HALF_LIFE);
	ck_assert_double_eq(count(0, 10 * HALF_LIFE), 0);
	for (uint32_t origin = 1; origin < 8; origin++)
		ck_assert_double_eq(count(origin, 10 * HALF_LIFE), 2);
	ck_assert_uint_eq(harvest_counters(harvest)->evicted, 0);
}
END_TEST

START_TEST(another_size_begins_anew)
{
	note(1, 5, 0);
	harvest_resize(harvest, ROOM - 1);
	ck_assert_double_eq(count(1, 0), 5);
	harvest_resize(harvest, 2 * ROOM);
	ck_assert_double_eq(count(1, 0), 0);
	for (uint32_t origin = 0; origin < 100 * ROOM; origin++)
		note(origin, 1, 0);
	ck_assert_uint_eq(known(0, 100 * ROOM), 2 * ROOM);
	ck_assert_uint_eq(harvest_counters(harvest)->noted, 5 + 100 * ROOM);
}
END_TEST

Suite *
harvest_suite(void)
{
	Suite *suite = suite_create("harvest");
	TCase *tests = tcase_create("harvest");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	/* A million origins take a while under valgrind. */
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, an_origin_that_did_nothing_has_no_count);
	tcase_add_loop_test(tests, a_count_fades, 0,
	    sizeof(decay_cases) / sizeof(decay_cases[0]));
	tcase_add_test(tests, reading_a_count_does_not_change_it);
	tcase_add_test(tests, what_is_counted_often_fades_as_fast);
	tcase_add_test(tests, an_entry_from_the_future_fades_from_now_on);
	tcase_add_test(tests, past_the_threshold_an_origin_is_over);
	tcase_add_test(tests, who_stops_is_forgiven_after_four_half_lives);
	tcase_add_test(tests, keys_of_all_kinds_differ);
	tcase_add_test(tests, there_is_room_for_so_many);
	tcase_add_test(tests, a_million_origins_do_not_displace_a_harvester);
	tcase_add_test(tests, a_harvester_is_counted_in_a_full_table);
	tcase_add_test(tests, faded_counts_make_room);
	tcase_add_test(tests, the_smallest_count_makes_room);
	tcase_add_test(tests, old_and_large_goes_before_new_and_small);
	tcase_add_test(tests, another_size_begins_anew);
	suite_add_tcase(suite, tests);
	return suite;
}
