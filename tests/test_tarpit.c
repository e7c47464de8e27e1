/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tarpit.h"

#include <check.h>
#include <string.h>

#include "clock.h"
#include "container.h"
#include "suites.h"

/* A pause that writes its name when it is answered, and then does what else it
 * is to do. */
struct note {
	struct pause pause;
	char name;
	struct note *cancels;
	struct note *begins;
};

#define SHORT 0.01

static struct ev_loop *loop;
static struct tarpit *tarpit;
static char story[16];

static void
set_up(void)
{
	story[0] = '\0';
	loop = ev_loop_new(EVFLAG_AUTO);
	tarpit = tarpit_create(loop);
	tarpit_configure(tarpit, 3);
}

static void
tear_down(void)
{
	tarpit_destroy(tarpit);
	ev_loop_destroy(loop);
}

static void
cancel(struct note *note)
{
	note->pause.lookup.cancel(&note->pause.lookup);
}

static bool hold(struct note *note, double seconds);

static void
answered(struct lookup *lookup)
{
	struct note *note = container_of(lookup, struct note, pause.lookup);
	const char name[2] = { note->name };

	ck_assert_uint_lt(strlen(story), sizeof(story) - 1);
	strcat(story, name);
	if (note->cancels != NULL)
		cancel(note->cancels);
	if (note->begins != NULL)
		hold(note->begins, SHORT);
}

static bool
hold(struct note *note, double seconds)
{
	note->pause.lookup.done = answered;
	note->pause.seconds = seconds;
	return pauser_hold(tarpit_pauser(tarpit), &note->pause);
}

/* Runs until nobody is held; returns how long that took. */
static double
run(void)
{
	const double begin = clock_seconds();

	ev_now_update(loop);
	ev_run(loop, 0);
	return clock_seconds() - begin;
}

START_TEST(a_pause_takes_its_time)
{
	struct note a = { .name = 'a' };
	double took;

	ck_assert(hold(&a, SHORT));
	ck_assert_str_eq(story, "");
	ck_assert_uint_eq(tarpit_held(tarpit), 1);
	took = run();
	ck_assert_str_eq(story, "a");
	ck_assert_uint_eq(tarpit_held(tarpit), 0);
	ck_assert_double_gt(took, SHORT - 0.002);
	/* Generous: the machine may be busy. */
	ck_assert_double_lt(took, SHORT + 2);
	/* Answered is answered. */
	cancel(&a);
	ck_assert_uint_eq(tarpit_held(tarpit), 0);
}
END_TEST

START_TEST(pauses_end_in_their_order)
{
	struct note a = { .name = 'a' };
	struct note b = { .name = 'b' };
	struct note c = { .name = 'c' };

	hold(&a, SHORT);
	hold(&b, SHORT);
	hold(&c, SHORT);
	run();
	ck_assert_str_eq(story, "abc");
}
END_TEST

START_TEST(a_shorter_pause_does_not_wait_for_a_longer_one)
{
	struct note a = { .name = 'a' };
	struct note b = { .name = 'b' };
	struct note c = { .name = 'c' };

	hold(&a, 3600);
	hold(&b, SHORT);
	hold(&c, SHORT);
	while (tarpit_held(tarpit) > 1)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_str_eq(story, "bc");
	cancel(&a);
}
END_TEST

START_TEST(one_more_is_answered_at_once)
{
	struct note notes[4] = { { .name = 'a' }, { .name = 'b' },
		{ .name = 'c' }, { .name = 'd' } };

	for (int i = 0; i < 3; i++)
		ck_assert(hold(&notes[i], SHORT));
	ck_assert_str_eq(story, "");
	ck_assert(!hold(&notes[3], SHORT));
	ck_assert_str_eq(story, "d");
	ck_assert_uint_eq(tarpit_held(tarpit), 3);
	cancel(&notes[3]);
	ck_assert_uint_eq(tarpit_held(tarpit), 3);
	cancel(&notes[0]);
	ck_assert(hold(&notes[3], SHORT));
	run();
	ck_assert_str_eq(story, "dbcd");
}
END_TEST

START_TEST(with_a_bound_of_none_nobody_is_held)
{
	struct note a = { .name = 'a' };
	struct note b = { .name = 'b' };

	hold(&a, SHORT);
	tarpit_configure(tarpit, 0);
	ck_assert(!hold(&b, SHORT));
	ck_assert_str_eq(story, "b");
	/* Who is held already stays. */
	run();
	ck_assert_str_eq(story, "ba");
}
END_TEST

/* Cancels the first, the middle, the last of three: twice. */
START_TEST(cancelled_is_never_answered)
{
	static const char *const stories[] = { "bc", "ac", "ab" };
	struct note notes[3] = { { .name = 'a' }, { .name = 'b' },
		{ .name = 'c' } };

	for (int i = 0; i < 3; i++)
		hold(&notes[i], SHORT);
	cancel(&notes[_i]);
	ck_assert_uint_eq(tarpit_held(tarpit), 2);
	cancel(&notes[_i]);
	ck_assert_uint_eq(tarpit_held(tarpit), 2);
	run();
	ck_assert_str_eq(story, stories[_i]);
}
END_TEST

START_TEST(nobody_keeps_no_loop_alive)
{
	struct note a = { .name = 'a' };

	hold(&a, 3600);
	cancel(&a);
	ck_assert_double_lt(run(), 2);
	ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(an_answer_may_cancel_the_next)
{
	struct note b = { .name = 'b' };
	struct note a = { .name = 'a', .cancels = &b };
	struct note c = { .name = 'c' };

	hold(&a, SHORT);
	hold(&b, SHORT);
	hold(&c, SHORT);
	run();
	ck_assert_str_eq(story, "ac");
}
END_TEST

START_TEST(an_answer_may_begin_another)
{
	struct note b = { .name = 'b' };
	struct note a = { .name = 'a', .begins = &b };

	hold(&a, SHORT);
	ck_assert_double_gt(run(), 2 * SHORT - 0.002);
	ck_assert_str_eq(story, "ab");
}
END_TEST

START_TEST(what_is_held_at_the_end_is_forgotten)
{
	struct note a = { .name = 'a' };
	struct note b = { .name = 'b' };

	hold(&a, SHORT);
	hold(&b, SHORT);
	tarpit_destroy(tarpit);
	tarpit = NULL;
	cancel(&a);
	run();
	ck_assert_str_eq(story, "");
	tarpit_destroy(NULL);
}
END_TEST

Suite *
tarpit_suite(void)
{
	Suite *suite = suite_create("tarpit");
	TCase *tests = tcase_create("tarpit");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_pause_takes_its_time);
	tcase_add_test(tests, pauses_end_in_their_order);
	tcase_add_test(tests, a_shorter_pause_does_not_wait_for_a_longer_one);
	tcase_add_test(tests, one_more_is_answered_at_once);
	tcase_add_test(tests, with_a_bound_of_none_nobody_is_held);
	tcase_add_loop_test(tests, cancelled_is_never_answered, 0, 3);
	tcase_add_test(tests, nobody_keeps_no_loop_alive);
	tcase_add_test(tests, an_answer_may_cancel_the_next);
	tcase_add_test(tests, an_answer_may_begin_another);
	tcase_add_test(tests, what_is_held_at_the_end_is_forgotten);
	suite_add_tcase(suite, tests);
	return suite;
}
