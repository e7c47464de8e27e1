/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "pipeline.h"

#include <check.h>
#include <string.h>

#include "container.h"
#include "suites.h"

/* A decision whose stages write what happens into a string. */
static struct decision decision;
static char story[256];
static struct lookup first;
static struct lookup second;
static unsigned done;

static void
tell(const char *what)
{
	strcat(story, what);
	strcat(story, " ");
}

static void
answered(struct lookup *lookup)
{
	decision_answered(&decision, lookup);
}

static void
cancelled(struct lookup *lookup)
{
	tell(lookup == &first ? "cancel-first" : "cancel-second");
}

static void
expect(struct lookup *lookup)
{
	lookup->done = answered;
	decision_expect(&decision, lookup);
	lookup->cancel = cancelled;
}

static void
ask_both(const struct stage *stage, struct decision *d)
{
	(void)stage;
	(void)d;
	tell("ask");
	expect(&first);
	expect(&second);
}

static void
ask_what_is_known(const struct stage *stage, struct decision *d)
{
	(void)stage;
	(void)d;
	tell("ask");
	expect(&first);
	first.done(&first);
}

static enum ruling
go_on(const struct stage *stage, struct decision *d)
{
	(void)d;
	tell(stage->name);
	return CONTINUE;
}

static enum ruling
decide(const struct stage *stage, struct decision *d)
{
	tell(stage->name);
	verdict_pass(&d->verdict, REASON_KNOWN);
	return DECIDED;
}

static const struct stage plain = { .name = "plain", .judge = go_on };
static const struct stage asks = { .name = "asks",
	.ask = ask_both,
	.judge = go_on };
static const struct stage knows = { .name = "knows",
	.ask = ask_what_is_known,
	.judge = go_on };
static const struct stage decides = { .name = "decides", .judge = decide };

static void
count_done(struct decision *d)
{
	ck_assert_ptr_eq(d, &decision);
	tell("done");
	done++;
}

static void
set_up(void)
{
	decision = (struct decision){ .done = count_done };
	story[0] = '\0';
	done = 0;
}

START_TEST(stages_run_in_their_order)
{
	static const struct stage *const stages[] = { &plain, &knows, &decides,
		&plain, NULL };

	pipeline_decide(&decision, stages);
	ck_assert_str_eq(story, "plain ask knows decides done ");
	ck_assert_int_eq(decision.verdict.reason, REASON_KNOWN);
}
END_TEST

START_TEST(without_a_decision_the_verdict_is_no_objection)
{
	static const struct stage *const stages[] = { &plain, NULL };

	pipeline_decide(&decision, stages);
	ck_assert_str_eq(story, "plain done ");
	ck_assert_int_eq(decision.verdict.action, ACTION_DUNNO);
	ck_assert_int_eq(decision.verdict.reason, REASON_NOT_CHECKED);
}
END_TEST

static const struct stage *const waiting[] = { &asks, &decides, NULL };

START_TEST(a_stage_judges_when_all_answers_are_there)
{
	struct lookup *const order[2][2] = { { &first, &second },
		{ &second, &first } };

	pipeline_decide(&decision, waiting);
	ck_assert_str_eq(story, "ask ");
	answered(order[_i][0]);
	ck_assert_str_eq(story, "ask ");
	answered(order[_i][1]);
	ck_assert_str_eq(story, "ask asks decides done ");
	ck_assert_uint_eq(done, 1);
}
END_TEST

START_TEST(giving_up_cancels_and_decides)
{
	pipeline_decide(&decision, waiting);
	answered(&second);
	pipeline_give_up(&decision);
	ck_assert_str_eq(story, "ask cancel-first asks decides done ");
	ck_assert_uint_eq(done, 1);
	ck_assert_int_eq(decision.client.get.status, STORE_UNAVAILABLE);
}
END_TEST

START_TEST(nobody_asks_after_giving_up)
{
	static const struct stage *const stages[] = { &asks, &asks, &decides,
		NULL };

	pipeline_decide(&decision, stages);
	pipeline_give_up(&decision);
	ck_assert_str_eq(story,
	    "ask cancel-second cancel-first asks asks decides done ");
}
END_TEST

START_TEST(nobody_is_called_after_a_cancel)
{
	pipeline_decide(&decision, waiting);
	pipeline_cancel(&decision);
	ck_assert_str_eq(story, "ask cancel-second cancel-first ");
	ck_assert_uint_eq(done, 0);
	pipeline_cancel(&decision);
	ck_assert_str_eq(story, "ask cancel-second cancel-first ");
}
END_TEST

Suite *
pipeline_suite(void)
{
	Suite *suite = suite_create("pipeline");
	TCase *tests = tcase_create("pipeline");

	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, stages_run_in_their_order);
	tcase_add_test(tests, without_a_decision_the_verdict_is_no_objection);
	tcase_add_loop_test(tests, a_stage_judges_when_all_answers_are_there, 0,
	    2);
	tcase_add_test(tests, giving_up_cancels_and_decides);
	tcase_add_test(tests, nobody_asks_after_giving_up);
	tcase_add_test(tests, nobody_is_called_after_a_cancel);
	suite_add_tcase(suite, tests);
	return suite;
}
