/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_directory.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "container.h"
#include "directory_fixture.h"
#include "suites.h"
#include "xalloc.h"

/* Somebody who asks, and what else is done when the answer comes. */
struct asker {
	struct recipient_query query;
	char address[ADDRESS_MAX + 2];
	unsigned done;
	bool is_done;
	struct asker *cancels;
	struct asker *asks;
};

struct sender_asker {
	struct sender_query query;
	bool is_done;
};

static struct directory_fixture fixture;
static struct ldap_directory *ldap;
static struct ldap_directory_policy policy;
static struct asker one;
static struct asker two;
static struct asker three;

static void ask(struct asker *asker, const char *address);

static void
answered(struct lookup *lookup)
{
	struct recipient_query *query =
	    container_of(lookup, struct recipient_query, lookup);
	struct asker *asker = container_of(query, struct asker, query);

	asker->done++;
	asker->is_done = true;
	if (asker->cancels != NULL)
		asker->cancels->query.lookup.cancel(
		    &asker->cancels->query.lookup);
	if (asker->asks != NULL)
		ask(asker->asks, asker->asks->address);
}

static void
ask(struct asker *asker, const char *address)
{
	if (address != asker->address)
		snprintf(asker->address, sizeof(asker->address), "%s", address);
	asker->query.lookup.done = answered;
	asker->query.address = asker->address;
	asker->is_done = false;
	/* Nothing may rest on what the memory held before. */
	memset(&asker->query.sharing, 0xa5, sizeof(asker->query.sharing));
	memset(&asker->query.record, 0xa5, sizeof(asker->query.record));
	asker->query.status = RECIPIENT_UNAVAILABLE;
	directory_find(ldap_directory_directory(ldap), &asker->query);
}

static void
cancel(struct asker *asker)
{
	asker->query.lookup.cancel(&asker->query.lookup);
}

static void
wait_for(struct asker *asker)
{
	directory_fixture_wait(&fixture, &asker->is_done);
	ck_assert_uint_eq(asker->done, 1);
}

static enum recipient_status
find(const char *address)
{
	struct asker asker = { .done = 0 };

	ask(&asker, address);
	wait_for(&asker);
	return asker.query.status;
}

static void
sender_answered(struct lookup *lookup)
{
	struct sender_query *query =
	    container_of(lookup, struct sender_query, lookup);

	container_of(query, struct sender_asker, query)->is_done = true;
}

/* Its listing, or 8 when it is unavailable. */
static unsigned
find_sender(const char *recipient, const char *sender)
{
	struct sender_asker asker = {
		.query = {
			.lookup = { .done = sender_answered },
			.recipient = recipient,
			.sender = sender,
		},
	};

	directory_find_sender(ldap_directory_directory(ldap), &asker.query);
	directory_fixture_wait(&fixture, &asker.is_done);
	return asker.query.status == SENDER_LOOKED_UP ? asker.query.listing : 8;
}

static const struct ldap_directory_counters *
counters(void)
{
	return ldap_directory_counters(ldap);
}

static void
set_up(void)
{
	directory_fixture_init(&fixture);
	directory_fixture_start(&fixture);
	policy = (struct ldap_directory_policy){
		.max_questions = 4,
		.cache_entries = 64,
		.question_timeout = 5.0,
	};
	ldap = ldap_directory_create(fixture.loop, fixture.child, &policy);
	one = (struct asker){ .done = 0 };
	two = one;
	three = one;
}

static void
tear_down(void)
{
	ldap_directory_destroy(ldap);
	directory_fixture_finish(&fixture);
}

static void
configure(void)
{
	ldap_directory_configure(ldap, &policy);
}

static const struct expected {
	const char *recipient;
	enum recipient_status status;
	uint64_t unavailable;
} answers[] = {
	{ "valid-x", RECIPIENT_VALID, 0 },
	{ "unknown-x", RECIPIENT_UNKNOWN, 0 },
	{ "unavailable-x", RECIPIENT_UNAVAILABLE, 1 },
	{ "broken-x", RECIPIENT_UNAVAILABLE, 1 },
	{ "stranger-x", RECIPIENT_UNKNOWN, 0 },
	{ "late-x", RECIPIENT_VALID, 0 },
};

START_TEST(passes_the_answer_on)
{
	const struct expected *row = &answers[_i];

	ck_assert_int_eq(find(row->recipient), row->status);
	ck_assert_uint_eq(counters()->questions, 1);
	ck_assert_uint_eq(counters()->unavailable, row->unavailable);
	ck_assert_uint_eq(counters()->open, 0);
}
END_TEST

START_TEST(passes_the_record_on)
{
	ask(&one, "valid-x");
	ck_assert_uint_eq(counters()->open, 1);
	wait_for(&one);
	ck_assert_int_eq(one.query.status, RECIPIENT_VALID);
	ck_assert_uint_eq(one.query.record.max_size, 1);
	ck_assert(one.query.record.refuses);
	ck_assert(!one.query.record.disabled);
	ck_assert_int_eq(memcmp(one.query.record.id, "an entry", 9), 0);
}
END_TEST

static const struct listed {
	const char *sender;
	unsigned listing;
} listed[] = {
	{ "permitted-x@b.example", SENDER_PERMITTED },
	{ "refused-x@b.example", SENDER_REFUSED },
	{ "allowed-x@b.example", SENDER_ALLOWED },
	{ "ann@b.example", 0 },
	{ "", 0 },
	{ "unavailable-x@b.example", 8 },
	{ "nonsense-x@b.example", 8 },
};

START_TEST(passes_the_listing_on)
{
	ck_assert_uint_eq(find_sender("valid-x", listed[_i].sender),
	    listed[_i].listing);
	ck_assert_uint_eq(counters()->unavailable, listed[_i].listing / 8);
}
END_TEST

START_TEST(asks_once_for_all_who_want_to_know)
{
	ask(&one, "late-x");
	ask(&two, "late-x");
	ask(&three, "late-x");
	ck_assert_uint_eq(counters()->open, 1);
	wait_for(&one);
	wait_for(&two);
	wait_for(&three);
	ck_assert_uint_eq(counters()->questions, 3);
	ck_assert_uint_eq(counters()->shared, 2);
	ck_assert_uint_eq(one.query.record.max_size, 1);
	ck_assert_uint_eq(three.query.record.max_size, 1);
	ask(&one, "valid-x");
	directory_fixture_wait(&fixture, &one.is_done);
	ck_assert_uint_eq(one.query.record.max_size, 2);
}
END_TEST

START_TEST(does_not_mix_questions_up)
{
	ask(&one, "late-x");
	ask(&two, "unknown-x");
	ask(&three, "valid-x");
	wait_for(&two);
	wait_for(&three);
	ck_assert(!one.is_done);
	wait_for(&one);
	ck_assert_int_eq(one.query.status, RECIPIENT_VALID);
	ck_assert_int_eq(two.query.status, RECIPIENT_UNKNOWN);
	ck_assert_int_eq(three.query.status, RECIPIENT_VALID);
	ck_assert_uint_eq(counters()->shared, 0);
}
END_TEST

START_TEST(answers_the_others_when_one_is_cancelled)
{
	ask(&one, "late-x");
	ask(&two, "late-x");
	ask(&three, "late-x");
	cancel(&two);
	cancel(&two);
	wait_for(&one);
	wait_for(&three);
	ck_assert_uint_eq(two.done, 0);
	/* It stands in no list that a late cancel would touch. */
	ck_assert_ptr_null(one.query.sharing.le_prev);
	cancel(&one);
	ck_assert_uint_eq(one.done, 1);
}
END_TEST

START_TEST(remembers_the_answer_that_nobody_waits_for)
{
	policy.cache_valid = 60.0;
	configure();
	ask(&one, "late-x");
	cancel(&one);
	ck_assert_uint_eq(counters()->open, 1);
	ask(&two, "late-y");
	wait_for(&two);
	ask(&one, "late-x");
	ck_assert_uint_eq(one.done, 1);
	ck_assert_uint_eq(counters()->cache_hits, 1);
}
END_TEST

START_TEST(lets_an_answer_cancel_another)
{
	one.cancels = &two;
	two.cancels = &one;
	ask(&one, "late-x");
	ask(&two, "late-x");
	ask(&three, "late-x");
	wait_for(&three);
	directory_fixture_run(&fixture, 0.01);
	ck_assert_uint_eq(one.done + two.done, 1);
}
END_TEST

START_TEST(lets_an_answer_ask_again)
{
	policy.max_questions = 1;
	configure();
	one.asks = &two;
	snprintf(two.address, sizeof(two.address), "unknown-x");
	ask(&one, "late-x");
	wait_for(&one);
	wait_for(&two);
	ck_assert_int_eq(one.query.status, RECIPIENT_VALID);
	ck_assert_int_eq(two.query.status, RECIPIENT_UNKNOWN);
}
END_TEST

START_TEST(refuses_a_question_too_many)
{
	struct asker askers[4] = { 0 };

	for (unsigned i = 0; i < 4; i++) {
		char address[32];

		snprintf(address, sizeof(address), "late-%u", i);
		ask(&askers[i], address);
	}
	ask(&one, "valid-x");
	ck_assert_uint_eq(one.done, 1);
	ck_assert_int_eq(one.query.status, RECIPIENT_UNAVAILABLE);
	ck_assert_uint_eq(counters()->refused, 1);
	ck_assert_uint_eq(counters()->unavailable, 1);
	ask(&two, "late-3");
	ck_assert_uint_eq(two.done, 0);
	for (unsigned i = 0; i < 4; i++)
		wait_for(&askers[i]);
	ck_assert_uint_eq(two.done, 1);
	ck_assert_int_eq(find("valid-x"), RECIPIENT_VALID);
}
END_TEST

START_TEST(takes_more_or_fewer_questions_when_told)
{
	policy.max_questions = 1;
	configure();
	ask(&one, "late-1");
	ask(&two, "late-2");
	ck_assert_uint_eq(two.done, 1);
	two.done = 0;
	policy.max_questions = 100;
	configure();
	ask(&three, "late-3");
	ask(&two, "late-2");
	ck_assert_uint_eq(counters()->open, 3);
	policy.max_questions = 0;
	configure();
	wait_for(&one);
	wait_for(&two);
	wait_for(&three);
	ck_assert_int_eq(three.query.status, RECIPIENT_VALID);
	ck_assert_int_eq(find("valid-x"), RECIPIENT_UNAVAILABLE);
}
END_TEST

START_TEST(is_unavailable_when_no_answer_comes_in_time)
{
	const double then = clock_seconds();

	policy.question_timeout = 0.05;
	configure();
	ask(&one, "never-1");
	directory_fixture_run(&fixture, 0.03);
	ask(&two, "never-2");
	wait_for(&one);
	ck_assert_double_ge(clock_seconds() - then, 0.05);
	ck_assert(!two.is_done);
	wait_for(&two);
	ck_assert_double_ge(clock_seconds() - then, 0.08);
	ck_assert_double_lt(clock_seconds() - then, 0.5);
	ck_assert_int_eq(one.query.status, RECIPIENT_UNAVAILABLE);
	ck_assert_uint_eq(counters()->timeouts, 2);
	ck_assert_uint_eq(counters()->open, 0);
}
END_TEST

START_TEST(takes_a_shorter_time_for_open_questions)
{
	const double then = clock_seconds();

	ask(&one, "never-x");
	policy.question_timeout = 0.01;
	configure();
	wait_for(&one);
	ck_assert_double_lt(clock_seconds() - then, 1.0);
}
END_TEST

/* The place of the question has another one when the answer comes. */
START_TEST(takes_no_late_answer_for_another)
{
	policy.question_timeout = 0.05;
	policy.max_questions = 1;
	configure();
	ck_assert_int_eq(find("later-x"), RECIPIENT_UNAVAILABLE);
	policy.question_timeout = 0.15;
	configure();
	ck_assert_int_eq(find("never-x"), RECIPIENT_UNAVAILABLE);
	ck_assert_uint_eq(counters()->timeouts, 2);
}
END_TEST

START_TEST(remembers_answers_for_a_while)
{
	policy.cache_valid = 60.0;
	policy.cache_unknown = 0.05;
	configure();
	ck_assert_int_eq(find("valid-x"), RECIPIENT_VALID);
	ck_assert_int_eq(find("unknown-x"), RECIPIENT_UNKNOWN);
	ask(&one, "valid-x");
	ck_assert_uint_eq(one.done, 1);
	ck_assert_int_eq(one.query.status, RECIPIENT_VALID);
	ck_assert_uint_eq(one.query.record.max_size, 1);
	cancel(&one);
	ck_assert_uint_eq(counters()->cache_hits, 1);
	directory_fixture_run(&fixture, 0.06);
	ask(&two, "unknown-x");
	ck_assert_uint_eq(two.done, 0);
	wait_for(&two);
}
END_TEST

START_TEST(remembers_senders_too)
{
	policy.cache_valid = 60.0;
	configure();
	ck_assert_uint_eq(find_sender("valid-x", "refused-x"), 2);
	ck_assert_uint_eq(find_sender("valid-x", "refused-x"), 2);
	ck_assert_uint_eq(find_sender("valid-x", ""), 0);
	ck_assert_uint_eq(find_sender("valid-x", ""), 0);
	ck_assert_uint_eq(counters()->cache_hits, 2);
	ck_assert_int_eq(find("valid-x"), RECIPIENT_VALID);
	ck_assert_uint_eq(counters()->cache_hits, 2);
}
END_TEST

START_TEST(never_remembers_that_it_was_unavailable)
{
	policy.cache_valid = 60.0;
	policy.cache_unknown = 60.0;
	configure();
	ck_assert_int_eq(find("unavailable-x"), RECIPIENT_UNAVAILABLE);
	ck_assert_int_eq(find("unavailable-x"), RECIPIENT_UNAVAILABLE);
	ck_assert_int_eq(find("broken-x"), RECIPIENT_UNAVAILABLE);
	ck_assert_int_eq(find("broken-x"), RECIPIENT_UNAVAILABLE);
	ck_assert_uint_eq(find_sender("valid-x", "unavailable-x"), 8);
	ck_assert_uint_eq(find_sender("valid-x", "unavailable-x"), 8);
	ck_assert_uint_eq(counters()->cache_hits, 0);
}
END_TEST

START_TEST(forgets_when_told)
{
	policy.cache_valid = 60.0;
	configure();
	ck_assert_int_eq(find("valid-x"), RECIPIENT_VALID);
	configure();
	ck_assert_int_eq(find("valid-x"), RECIPIENT_VALID);
	ck_assert_uint_eq(counters()->cache_hits, 1);
	ldap_directory_forget(ldap);
	ck_assert_int_eq(find("valid-x"), RECIPIENT_VALID);
	ck_assert_uint_eq(counters()->cache_hits, 1);
}
END_TEST

START_TEST(refuses_what_can_be_no_address)
{
	char address[ADDRESS_MAX + 2];

	memset(address, 'a', sizeof(address) - 1);
	address[sizeof(address) - 1] = '\0';
	ck_assert_int_eq(find(address), RECIPIENT_UNAVAILABLE);
	ck_assert_int_eq(find("valid-x\r"), RECIPIENT_UNAVAILABLE);
	ck_assert_int_eq(find(""), RECIPIENT_UNAVAILABLE);
	ck_assert_uint_eq(find_sender("valid-x", "ann\r"), 8);
	ck_assert_uint_eq(counters()->refused, 4);
	address[ADDRESS_MAX] = '\0';
	memcpy(address, "valid-", strlen("valid-"));
	ck_assert_int_eq(find(address), RECIPIENT_VALID);
	ck_assert_uint_eq(find_sender(address, address), 0);
}
END_TEST

START_TEST(is_unavailable_when_no_process_runs)
{
	find("valid-x");
	ask(&one, "die-x");
	while (directory_child_status(fixture.child)->running)
		ev_run(fixture.loop, EVRUN_ONCE);
	ask(&two, "valid-x");
	ck_assert_uint_eq(two.done, 1);
	ck_assert_int_eq(two.query.status, RECIPIENT_UNAVAILABLE);
	ck_assert_uint_eq(counters()->refused, 1);
	cancel(&one);
}
END_TEST

/* It kills one process after the other until its time is over. */
START_TEST(survives_a_question_that_kills)
{
	policy.question_timeout = 0.12;
	configure();
	ck_assert_int_eq(find("die-x"), RECIPIENT_UNAVAILABLE);
	ck_assert_uint_ge(directory_child_status(fixture.child)->restarts, 2);
	policy.question_timeout = 5.0;
	configure();
	while (!directory_child_status(fixture.child)->running)
		ev_run(fixture.loop, EVRUN_ONCE);
	ck_assert_int_eq(find("valid-x"), RECIPIENT_VALID);
}
END_TEST

START_TEST(asks_the_next_process_again)
{
	enum { COUNT = 1000 };
	struct asker *askers = xcalloc(COUNT, sizeof(*askers));
	const pid_t pid = directory_fixture_pid(&fixture);
	char address[32];

	policy.max_questions = COUNT;
	configure();
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(address, sizeof(address), "later-%u", i);
		ask(&askers[i], address);
	}
	directory_fixture_run(&fixture, 0.02);
	kill(pid, SIGKILL);
	for (unsigned i = 0; i < COUNT; i++) {
		wait_for(&askers[i]);
		ck_assert_int_eq(askers[i].query.status, RECIPIENT_VALID);
	}
	ck_assert_uint_eq(directory_child_status(fixture.child)->restarts, 1);
	ck_assert_uint_eq(counters()->unavailable, 0);
	ck_assert_uint_eq(counters()->open, 0);
	free(askers);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *
ldap_directory_suite(void)
{
	Suite *suite = suite_create("ldap_directory");
	TCase *tests = tcase_create("ldap_directory");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 30.0);
	tcase_add_loop_test(tests, passes_the_answer_on, 0, COUNT(answers));
	tcase_add_test(tests, passes_the_record_on);
	tcase_add_loop_test(tests, passes_the_listing_on, 0, COUNT(listed));
	tcase_add_test(tests, asks_once_for_all_who_want_to_know);
	tcase_add_test(tests, does_not_mix_questions_up);
	tcase_add_test(tests, answers_the_others_when_one_is_cancelled);
	tcase_add_test(tests, remembers_the_answer_that_nobody_waits_for);
	tcase_add_test(tests, lets_an_answer_cancel_another);
	tcase_add_test(tests, lets_an_answer_ask_again);
	tcase_add_test(tests, refuses_a_question_too_many);
	tcase_add_test(tests, takes_more_or_fewer_questions_when_told);
	tcase_add_test(tests, is_unavailable_when_no_answer_comes_in_time);
	tcase_add_test(tests, takes_a_shorter_time_for_open_questions);
	tcase_add_test(tests, takes_no_late_answer_for_another);
	tcase_add_test(tests, remembers_answers_for_a_while);
	tcase_add_test(tests, remembers_senders_too);
	tcase_add_test(tests, never_remembers_that_it_was_unavailable);
	tcase_add_test(tests, forgets_when_told);
	tcase_add_test(tests, refuses_what_can_be_no_address);
	tcase_add_test(tests, is_unavailable_when_no_process_runs);
	tcase_add_test(tests, survives_a_question_that_kills);
	tcase_add_test(tests, asks_the_next_process_again);
	suite_add_tcase(suite, tests);
	return suite;
}
