/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "turn.h"

#include <check.h>

#include "container.h"
#include "suites.h"

/* A store that counts its commits, and refuses them when told. */
struct counting_store {
	struct store store;
	unsigned commits;
	bool refuses;
};

/* A decision that notes how it was settled. */
struct note {
	struct turn_entry entry;
	enum { OPEN = 0, KEPT, LOST } state;
};

/* A disk that is as slow as the test wants. */
struct slow_disk {
	struct turn_flusher flusher;
	unsigned started;
};

static struct ev_loop *loop;
static struct counting_store counting;
static struct slow_disk disk;
static struct turn *turn;

static bool
commit(struct store *store)
{
	struct counting_store *self =
	    container_of(store, struct counting_store, store);

	self->commits++;
	return !self->refuses;
}

static void
start(struct turn_flusher *flusher)
{
	container_of(flusher, struct slow_disk, flusher)->started++;
}

static void
settled(struct turn_entry *entry, bool kept)
{
	struct note *note = container_of(entry, struct note, entry);

	ck_assert_int_eq(note->state, OPEN);
	note->state = kept ? KEPT : LOST;
}

static struct note
note(void)
{
	return (struct note){ .entry = { .settled = settled } };
}

static void
end_turn(void)
{
	ev_run(loop, EVRUN_NOWAIT);
}

static void
set_up(void)
{
	counting = (struct counting_store){ .store = { .commit = commit } };
	disk = (struct slow_disk){ .flusher = { .start = start } };
	loop = ev_loop_new(EVFLAG_AUTO);
	turn = turn_create(loop, &counting.store);
}

static void
tear_down(void)
{
	turn_destroy(turn);
	ev_loop_destroy(loop);
}

START_TEST(many_decisions_share_one_commit)
{
	struct note notes[3];

	for (size_t i = 0; i < 3; i++) {
		notes[i] = note();
		turn_add(turn, &notes[i].entry);
	}
	ck_assert_int_eq(notes[0].state, OPEN);
	end_turn();
	ck_assert_uint_eq(counting.commits, 1);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(notes[i].state, KEPT);
}
END_TEST

START_TEST(a_commit_that_fails_is_told_and_counted)
{
	struct note lost = note();

	counting.refuses = true;
	turn_add(turn, &lost.entry);
	end_turn();
	ck_assert_int_eq(lost.state, LOST);
	ck_assert_uint_eq(turn_failures(turn), 1);
}
END_TEST

START_TEST(a_durable_decision_waits_for_the_disk)
{
	struct note durable = note();

	turn_set_flusher(turn, &disk.flusher);
	turn_add(turn, &durable.entry);
	end_turn();
	end_turn();
	ck_assert_int_eq(durable.state, OPEN);
	ck_assert_uint_eq(disk.started, 1);
	turn_flushed(turn, true);
	ck_assert_int_eq(durable.state, KEPT);
	end_turn();
	ck_assert_uint_eq(disk.started, 1);
}
END_TEST

START_TEST(turns_that_come_during_a_flush_share_the_next)
{
	struct note first = note();
	struct note second = note();
	struct note third = note();

	turn_set_flusher(turn, &disk.flusher);
	turn_add(turn, &first.entry);
	end_turn();
	turn_add(turn, &second.entry);
	end_turn();
	turn_add(turn, &third.entry);
	end_turn();
	ck_assert_uint_eq(disk.started, 1);
	turn_flushed(turn, true);
	ck_assert_int_eq(first.state, KEPT);
	ck_assert_int_eq(second.state, OPEN);
	ck_assert_uint_eq(disk.started, 2);
	turn_flushed(turn, true);
	ck_assert_int_eq(second.state, KEPT);
	ck_assert_int_eq(third.state, KEPT);
}
END_TEST

START_TEST(what_could_not_be_made_durable_is_lost)
{
	struct note lost = note();

	turn_set_flusher(turn, &disk.flusher);
	turn_add(turn, &lost.entry);
	end_turn();
	turn_flushed(turn, false);
	ck_assert_int_eq(lost.state, LOST);
}
END_TEST

START_TEST(nobody_waits_when_durability_is_relaxed_meanwhile)
{
	struct note first = note();
	struct note second = note();

	turn_set_flusher(turn, &disk.flusher);
	turn_add(turn, &first.entry);
	end_turn();
	turn_add(turn, &second.entry);
	end_turn();
	turn_set_flusher(turn, NULL);
	turn_flushed(turn, true);
	ck_assert_int_eq(first.state, KEPT);
	ck_assert_int_eq(second.state, KEPT);
}
END_TEST

Suite *
turn_suite(void)
{
	Suite *suite = suite_create("turn");
	TCase *tests = tcase_create("turn");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, many_decisions_share_one_commit);
	tcase_add_test(tests, a_commit_that_fails_is_told_and_counted);
	tcase_add_test(tests, a_durable_decision_waits_for_the_disk);
	tcase_add_test(tests, turns_that_come_during_a_flush_share_the_next);
	tcase_add_test(tests, what_could_not_be_made_durable_is_lost);
	tcase_add_test(tests,
	    nobody_waits_when_durability_is_relaxed_meanwhile);
	suite_add_tcase(suite, tests);
	return suite;
}
