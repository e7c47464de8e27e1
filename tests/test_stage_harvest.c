/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stage_harvest.h"

#include <check.h>

#include "container.h"
#include "suites.h"

/*
 * The stage as it stands in the engine: one that exempts before it, and one
 * that finds out unknown recipients behind it.
 */

#define START 1000000000
#define HALF_LIFE 600
#define THRESHOLD 3

/* A pauser whose pauses last until the test ends them, and which can be full. */
struct fake_pauser {
	struct pauser pauser;
	struct pause *held;
	bool is_full;
	unsigned asked;
	unsigned cancelled;
};

static const struct origin_policy origin = { 24, 64 };
static const struct siphash_secret secret = { { 1, 2 } };
static struct harvest_policy policy;
static struct harvest *harvest;
static struct fake_pauser fake;
static struct stage_harvest stage;
static struct request request;
static struct decision decision;
static enum reason exemption;
static bool recipient_is_unknown;
static unsigned looked_up;
static unsigned done;

static void
cancel(struct lookup *lookup)
{
	ck_assert_ptr_eq(lookup, &fake.held->lookup);
	fake.held = NULL;
	fake.cancelled++;
}

static bool
hold(struct pauser *pauser, struct pause *pause)
{
	struct fake_pauser *self =
	    container_of(pauser, struct fake_pauser, pauser);

	ck_assert_ptr_null(self->held);
	self->asked++;
	if (self->is_full) {
		pause->lookup.done(&pause->lookup);
		return false;
	}
	self->held = pause;
	pause->lookup.cancel = cancel;
	return true;
}

static void
end_pause(void)
{
	struct pause *pause = fake.held;

	ck_assert_ptr_nonnull(pause);
	fake.held = NULL;
	pause->lookup.done(&pause->lookup);
}

static enum ruling
exempt(const struct stage *self, struct decision *d)
{
	(void)self;
	d->exempt = exemption;
	return CONTINUE;
}

static enum ruling
look_up(const struct stage *self, struct decision *d)
{
	(void)self;
	looked_up++;
	if (!recipient_is_unknown)
		return CONTINUE;
	stage_harvest_note(&stage, d);
	verdict_reject(&d->verdict, REASON_UNKNOWN_RECIPIENT,
	    "550 5.1.1 User unknown");
	return DECIDED;
}

static const struct stage exempting = { .name = "exempt", .judge = exempt };
static const struct stage looking_up = { .name = "look up", .judge = look_up };
static const struct stage *const stages[] = { &exempting, &stage.stage,
	&looking_up, NULL };

static void
set_up(void)
{
	policy = (struct harvest_policy){
		.action = HARVEST_DEFER,
		.threshold = THRESHOLD,
		.half_life = HALF_LIFE,
		.delay = 2,
	};
	harvest = harvest_create(64, &secret);
	fake = (struct fake_pauser){ .pauser = { .hold = hold } };
	stage_harvest_init(&stage, &policy, &origin, harvest, &fake.pauser);
	request_init(&request);
	request.state = PROTOCOL_STATE_RCPT;
	request.recipient = "ann@example.com";
	ck_assert(netaddr_parse("192.0.2.1", &request.client));
	decision = (struct decision){ 0 };
	exemption = REASON_NOT_CHECKED;
	recipient_is_unknown = false;
}

static void
tear_down(void)
{
	harvest_destroy(harvest);
}

static void
note_done(struct decision *decided)
{
	ck_assert_ptr_eq(decided, &decision);
	done++;
}

static void
begin_at(time_t seconds)
{
	done = looked_up = 0;
	decision.request = &request;
	decision.now = START + seconds;
	decision.done = note_done;
	pipeline_decide(&decision, stages);
}

static void
must_be(enum action action, enum reason reason)
{
	const struct verdict *verdict = &decision.verdict;

	ck_assert_uint_eq(done, 1);
	ck_assert_msg(verdict->action == action && verdict->reason == reason,
	    "%s %s, not %s %s", action_word(verdict->action),
	    reason_word(verdict->reason), action_word(action),
	    reason_word(reason));
}

static void
ask_at(time_t seconds, enum action action, enum reason reason)
{
	begin_at(seconds);
	must_be(action, reason);
}

/* Asks for so many unknown recipients. */
static void
try_out(unsigned times)
{
	recipient_is_unknown = true;
	while (times-- > 0)
		ask_at(0, ACTION_REJECT, REASON_UNKNOWN_RECIPIENT);
	recipient_is_unknown = false;
}

START_TEST(valid_recipients_are_not_counted)
{
	for (int i = 0; i < 100; i++)
		ask_at(0, ACTION_DUNNO, REASON_NOT_CHECKED);
	ck_assert_uint_eq(harvest_counters(harvest)->noted, 0);
}
END_TEST

START_TEST(a_harvester_is_deferred_for_a_time)
{
	try_out(THRESHOLD);
	ask_at(0, ACTION_DUNNO, REASON_NOT_CHECKED);
	try_out(1);
	ask_at(0, ACTION_TEMPFAIL, REASON_HARVEST_DEFERRED);
	ck_assert_str_eq(decision.verdict.text,
	    "450 4.7.1 Too many unknown recipients, try again later");
	/* It is not even looked up. */
	ck_assert_uint_eq(looked_up, 0);
	/* 600 * log2(4 / 3) is 249.02. */
	ask_at(249, ACTION_TEMPFAIL, REASON_HARVEST_DEFERRED);
	ask_at(250, ACTION_DUNNO, REASON_NOT_CHECKED);
	ck_assert_uint_eq(harvest_counters(harvest)->noted, THRESHOLD + 1);
	ck_assert_uint_eq(harvest_counters(harvest)->deferred, 2);
	ck_assert_uint_eq(fake.asked, 0);
}
END_TEST

START_TEST(the_network_is_what_is_counted)
{
	try_out(THRESHOLD + 1);
	ck_assert(netaddr_parse("192.0.2.99", &request.client));
	ask_at(0, ACTION_TEMPFAIL, REASON_HARVEST_DEFERRED);
	ck_assert(netaddr_parse("192.0.3.1", &request.client));
	ask_at(0, ACTION_DUNNO, REASON_NOT_CHECKED);
	ck_assert(netaddr_parse("2001:db8::1", &request.client));
	ask_at(0, ACTION_DUNNO, REASON_NOT_CHECKED);
	request.client = (struct netaddr){ 0 };
	ask_at(0, ACTION_DUNNO, REASON_NOT_CHECKED);
}
END_TEST

/* Each asks in the middle of a harvest. */
static const struct spared_case {
	const char *name;
	enum reason exemption;
	enum protocol_state state;
	const char *recipient;
} spared_cases[] = {
	{ "a whitelisted network", REASON_WHITELISTED_NETWORK,
	    PROTOCOL_STATE_RCPT, "ann@example.com" },
	{ "an authenticated client", REASON_AUTHENTICATED, PROTOCOL_STATE_RCPT,
	    "ann@example.com" },
	{ "a client with a certificate", REASON_TLS_CLIENT, PROTOCOL_STATE_RCPT,
	    "ann@example.com" },
	{ "a question that is not about a recipient", REASON_NOT_CHECKED,
	    PROTOCOL_STATE_OTHER, "ann@example.com" },
	{ "a question without a recipient", REASON_NOT_CHECKED,
	    PROTOCOL_STATE_RCPT, "" },
};

static void
spare(const struct spared_case *c, enum harvest_action action)
{
	policy.action = action;
	try_out(THRESHOLD + 1);
	exemption = c->exemption;
	request.state = c->state;
	request.recipient = c->recipient;
	begin_at(0);
	ck_assert_msg(done == 1 && looked_up == 1, "%s", c->name);
	must_be(ACTION_DUNNO, REASON_NOT_CHECKED);
	ck_assert_uint_eq(fake.asked, 0);
}

START_TEST(others_are_spared_a_deferral)
{
	spare(&spared_cases[_i], HARVEST_DEFER);
}
END_TEST

START_TEST(others_are_spared_a_pause)
{
	spare(&spared_cases[_i], HARVEST_SLOW);
}
END_TEST

START_TEST(what_others_ask_for_is_not_counted)
{
	const struct spared_case *c = &spared_cases[_i];

	exemption = c->exemption;
	request.state = c->state;
	request.recipient = c->recipient;
	try_out(100);
	ck_assert_msg(harvest_counters(harvest)->noted == 0, "%s", c->name);
	exemption = REASON_NOT_CHECKED;
	request.state = PROTOCOL_STATE_RCPT;
	request.recipient = "ann@example.com";
	ask_at(0, ACTION_DUNNO, REASON_NOT_CHECKED);
}
END_TEST

START_TEST(switched_off_nothing_is_counted)
{
	stage_harvest_init(&stage, &policy, &origin, NULL, NULL);
	policy.action = HARVEST_OFF;
	try_out(100);
	ask_at(0, ACTION_DUNNO, REASON_NOT_CHECKED);
}
END_TEST

START_TEST(a_harvester_is_slowed)
{
	policy.action = HARVEST_SLOW;
	try_out(THRESHOLD);
	ck_assert_uint_eq(fake.asked, 0);
	try_out(1);
	recipient_is_unknown = true;
	begin_at(0);
	ck_assert_uint_eq(done, 0);
	ck_assert_uint_eq(looked_up, 0);
	ck_assert_double_eq(fake.held->seconds, 2);
	end_pause();
	/* It is answered, and counts on. */
	must_be(ACTION_REJECT, REASON_UNKNOWN_RECIPIENT);
	ck_assert_uint_eq(harvest_counters(harvest)->noted, THRESHOLD + 2);
	ck_assert_uint_eq(harvest_counters(harvest)->slowed, 1);
	ck_assert_uint_eq(harvest_counters(harvest)->not_slowed, 0);
	recipient_is_unknown = false;
	begin_at(0);
	end_pause();
	must_be(ACTION_DUNNO, REASON_NOT_CHECKED);
	ask_at(HALF_LIFE, ACTION_DUNNO, REASON_NOT_CHECKED);
}
END_TEST

START_TEST(when_too_many_are_held_it_is_answered_at_once)
{
	policy.action = HARVEST_SLOW;
	try_out(THRESHOLD + 1);
	fake.is_full = true;
	ask_at(0, ACTION_DUNNO, REASON_NOT_CHECKED);
	ck_assert_uint_eq(fake.asked, 1);
	ck_assert_uint_eq(harvest_counters(harvest)->slowed, 0);
	ck_assert_uint_eq(harvest_counters(harvest)->not_slowed, 1);
}
END_TEST

START_TEST(without_a_delay_nobody_is_held)
{
	policy.action = HARVEST_SLOW;
	policy.delay = 0;
	try_out(100);
	ck_assert_uint_eq(fake.asked, 0);
}
END_TEST

START_TEST(the_deadline_ends_a_pause)
{
	policy.action = HARVEST_SLOW;
	try_out(THRESHOLD + 1);
	begin_at(0);
	pipeline_give_up(&decision);
	must_be(ACTION_DUNNO, REASON_NOT_CHECKED);
	ck_assert_uint_eq(fake.cancelled, 1);
	ck_assert_uint_eq(looked_up, 1);
}
END_TEST

START_TEST(who_is_gone_is_not_held)
{
	policy.action = HARVEST_SLOW;
	try_out(THRESHOLD + 1);
	begin_at(0);
	pipeline_cancel(&decision);
	ck_assert_uint_eq(done, 0);
	ck_assert_uint_eq(fake.cancelled, 1);
}
END_TEST

Suite *
stage_harvest_suite(void)
{
	Suite *suite = suite_create("stage_harvest");
	TCase *tests = tcase_create("stage_harvest");
	const int spared = sizeof(spared_cases) / sizeof(spared_cases[0]);

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, valid_recipients_are_not_counted);
	tcase_add_test(tests, a_harvester_is_deferred_for_a_time);
	tcase_add_test(tests, the_network_is_what_is_counted);
	tcase_add_loop_test(tests, others_are_spared_a_deferral, 0, spared);
	tcase_add_loop_test(tests, others_are_spared_a_pause, 0, spared);
	tcase_add_loop_test(tests, what_others_ask_for_is_not_counted, 0,
	    spared);
	tcase_add_test(tests, switched_off_nothing_is_counted);
	tcase_add_test(tests, a_harvester_is_slowed);
	tcase_add_test(tests, when_too_many_are_held_it_is_answered_at_once);
	tcase_add_test(tests, without_a_delay_nobody_is_held);
	tcase_add_test(tests, the_deadline_ends_a_pause);
	tcase_add_test(tests, who_is_gone_is_not_held);
	suite_add_tcase(suite, tests);
	return suite;
}
