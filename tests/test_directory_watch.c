/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "directory_watch.h"

#include <check.h>

#include "suites.h"

#define TICK DIRECTORY_WATCH_SECONDS
#define AT(tick) (100.0 + (tick)*TICK)

static struct directory_watch watch;

static void
set_up(void)
{
	directory_watch_begin(&watch, 100.0);
	directory_watch_hear(&watch);
}

static bool
ask(double now)
{
	return directory_watch_ask(&watch, now, true);
}

START_TEST(lets_it_live_while_it_answers)
{
	double now = 100.0;

	for (unsigned i = 0; i < 100; i++) {
		now += DIRECTORY_WATCH_SECONDS;
		ck_assert(!ask(now));
		directory_watch_hear(&watch);
	}
}
END_TEST

START_TEST(gives_it_up_when_two_questions_are_unanswered)
{
	ck_assert(!ask(AT(1)));
	ck_assert(!ask(AT(2)));
	ck_assert(ask(AT(3)));
}
END_TEST

START_TEST(takes_any_word_for_life)
{
	ck_assert(!ask(AT(1)));
	ck_assert(!ask(AT(2)));
	directory_watch_hear(&watch);
	ck_assert(!ask(AT(3)));
	ck_assert(!ask(AT(4)));
	ck_assert(ask(AT(5)));
}
END_TEST

START_TEST(does_not_count_while_we_are_held_up)
{
	ck_assert(!ask(AT(1)));
	ck_assert(!ask(AT(2)));
	for (double now = AT(6); now < AT(40); now += 1.6 * TICK)
		ck_assert(!ask(now));
	ck_assert(!ask(AT(200)));
	ck_assert(ask(AT(201)));
}
END_TEST

START_TEST(does_not_count_while_we_do_not_listen)
{
	ck_assert(!ask(AT(1)));
	ck_assert(!ask(AT(2)));
	for (unsigned i = 3; i < 20; i++)
		ck_assert(!directory_watch_ask(&watch, AT(i), false));
	ck_assert(ask(AT(20)));
}
END_TEST

START_TEST(gives_it_time_to_begin)
{
	double now = 100.0;

	directory_watch_begin(&watch, now);
	for (unsigned i = 1; i < 17; i++)
		ck_assert(!ask(now += DIRECTORY_WATCH_SECONDS));
	ck_assert(ask(now + DIRECTORY_WATCH_SECONDS));
}
END_TEST

Suite *
directory_watch_suite(void)
{
	Suite *suite = suite_create("directory_watch");
	TCase *tests = tcase_create("directory_watch");

	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, lets_it_live_while_it_answers);
	tcase_add_test(tests, gives_it_up_when_two_questions_are_unanswered);
	tcase_add_test(tests, takes_any_word_for_life);
	tcase_add_test(tests, does_not_count_while_we_are_held_up);
	tcase_add_test(tests, does_not_count_while_we_do_not_listen);
	tcase_add_test(tests, gives_it_time_to_begin);
	suite_add_tcase(suite, tests);
	return suite;
}
