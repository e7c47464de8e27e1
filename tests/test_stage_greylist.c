/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stage_greylist.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "fake_store.h"
#include "stage_client.h"
#include "store_memory.h"
#include "suites.h"

/*
 * The two stages that ask the store, one behind the other as in the engine.
 */

#define START 1000000000
#define DELAY 120

static struct greylist_policy policy;
static const struct origin_policy origin = { 24, 64 };
static struct store *memory;
static struct fake_store fake;
static struct stage_client client;
static struct stage_greylist greylist;
static const struct stage *const stages[] = { &client.stage, &greylist.stage,
	NULL };
static struct request request;
static struct decision decision;
static unsigned done;

static void
setup(void)
{
	policy = (struct greylist_policy){
		.delay = DELAY,
		.retry_window = 48 * 3600,
		.keep = 36 * 86400,
		.whitelist_after = 5,
		.code = "DEFER_IF_PERMIT 4.2.0",
		.text = "Wait %d seconds",
		.header = true,
	};
	memory = store_memory_create();
	fake_store_init(&fake, memory);
	stage_client_init(&client, &policy, &origin, &fake.store);
	stage_greylist_init(&greylist, &policy, &origin, &fake.store);
	request_init(&request);
	request.state = PROTOCOL_STATE_RCPT;
	ck_assert(netaddr_parse("192.0.2.1", &request.client));
	request.sender = "bob@example.net";
	request.recipient = "ann@example.com";
	request.instance = "1";
	decision = (struct decision){ 0 };
}

static void
teardown(void)
{
	store_memory_destroy(memory);
}

static void
note_done(struct decision *decided)
{
	ck_assert_ptr_eq(decided, &decision);
	done++;
}

/* Begins to decide, so many seconds from the start on. */
static void
begin_at(time_t seconds)
{
	done = 0;
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

static uint64_t
all_rows(void)
{
	return memory->rows[STORE_TRIPLET] + memory->rows[STORE_CLIENT];
}

START_TEST(test_stage_greylist_life)
{
	ask_at(0, ACTION_DEFER, REASON_GREYLISTED_NEW);
	ck_assert_str_eq(decision.verdict.text,
	    "DEFER_IF_PERMIT 4.2.0 Wait 120 seconds");
	ck_assert_int_eq(decision.verdict.delay, 0);
	ck_assert_int_eq(decision.verdict.wait, DELAY);
	ck_assert(decision.rests_on_store);
	ask_at(30, ACTION_DEFER, REASON_GREYLISTED_EARLY);
	ck_assert_str_eq(decision.verdict.text,
	    "DEFER_IF_PERMIT 4.2.0 Wait 90 seconds");
	ck_assert_int_eq(decision.verdict.delay, 30);
	ck_assert_int_eq(decision.verdict.wait, 90);
	ask_at(DELAY, ACTION_PREPEND, REASON_PASSED);
	ck_assert_str_eq(decision.verdict.text,
	    "PREPEND X-Greylist: delayed 120 seconds by policyd");
	ck_assert_int_eq(decision.verdict.delay, DELAY);
	ck_assert_int_eq(decision.verdict.wait, 0);
	ask_at(DELAY + 1, ACTION_DUNNO, REASON_KNOWN);
	ck_assert_uint_eq(memory->rows[STORE_TRIPLET], 1);
	ck_assert_uint_eq(memory->rows[STORE_CLIENT], 1);
}
END_TEST

START_TEST(test_stage_greylist_late)
{
	ask_at(0, ACTION_DEFER, REASON_GREYLISTED_NEW);
	ask_at(policy.retry_window + 1, ACTION_DEFER, REASON_GREYLISTED_LATE);
	ask_at(policy.retry_window + 1 + DELAY, ACTION_PREPEND, REASON_PASSED);
	ck_assert_str_eq(decision.verdict.text,
	    "PREPEND X-Greylist: delayed 120 seconds by policyd");
}
END_TEST

/* Each case passes a triplet for the first time. */
static const struct header_case {
	const char *name;
	const char *instance;
	bool header;
	bool has_header;
	enum action action;
} header_cases[] = {
	{ "a message gets its header", "1", true, false, ACTION_PREPEND },
	{ "but once", "1", true, true, ACTION_DUNNO },
	{ "none is wanted", "1", false, false, ACTION_DUNNO },
	{ "which message it is cannot be told", "", true, false, ACTION_DUNNO },
};

START_TEST(test_stage_greylist_header)
{
	const struct header_case *c = &header_cases[_i];

	policy.header = c->header;
	request.instance = c->instance;
	decision.has_header = c->has_header;
	ask_at(0, ACTION_DEFER, REASON_GREYLISTED_NEW);
	ask_at(DELAY, c->action, REASON_PASSED);
	ck_assert_int_eq(decision.verdict.delay, DELAY);
}
END_TEST

START_TEST(test_stage_greylist_observe)
{
	policy.mode = GREYLIST_OBSERVE;
	ask_at(0, ACTION_DUNNO, REASON_GREYLISTED_NEW);
	ck_assert_int_eq(decision.verdict.would, ACTION_DEFER);
	ck_assert_int_eq(decision.verdict.wait, DELAY);
	ask_at(1, ACTION_DUNNO, REASON_GREYLISTED_EARLY);
	ck_assert_int_eq(decision.verdict.would, ACTION_DEFER);
	ask_at(DELAY, ACTION_DUNNO, REASON_PASSED);
	ck_assert_int_eq(decision.verdict.would, ACTION_PREPEND);
	/* What was learnt counts when it is enforced. */
	policy.mode = GREYLIST_ENFORCE;
	ask_at(DELAY + 1, ACTION_DUNNO, REASON_KNOWN);
}
END_TEST

START_TEST(test_stage_greylist_asks_nothing)
{
	policy.mode = GREYLIST_OFF;
	ask_at(0, ACTION_DUNNO, REASON_MODE_OFF);
	ck_assert(!decision.rests_on_store);
	ck_assert_uint_eq(fake.asked, 0);
	ck_assert_uint_eq(all_rows(), 0);
}
END_TEST

/* A stage before them that exempts everybody. */
static enum ruling
exempt(const struct stage *stage, struct decision *exempted)
{
	(void)stage;
	exempted->exempt = REASON_AUTHENTICATED;
	return CONTINUE;
}

START_TEST(test_stage_greylist_exempt)
{
	const struct stage exempting = { .name = "exempt", .judge = exempt };
	const struct stage *const all[] = { &exempting, &client.stage,
		&greylist.stage, NULL };

	decision.request = &request;
	decision.now = START;
	decision.done = note_done;
	done = 0;
	pipeline_decide(&decision, all);
	must_be(ACTION_DUNNO, REASON_AUTHENTICATED);
	ck_assert(!decision.rests_on_store);
	ck_assert_uint_eq(fake.asked, 0);
	ck_assert_uint_eq(all_rows(), 0);
}
END_TEST

/*
 * The store's moods.
 */

START_TEST(test_stage_greylist_store_down)
{
	fake.is_down = true;
	ask_at(0, ACTION_DUNNO, REASON_STORE_UNAVAILABLE);
	ck_assert(!store_commit(&fake.store));
	fake.is_down = false;
	ck_assert_uint_eq(all_rows(), 0);
	ask_at(1, ACTION_DEFER, REASON_GREYLISTED_NEW);
	fake.is_down = true;
	ask_at(2, ACTION_DUNNO, REASON_STORE_UNAVAILABLE);
	fake.is_down = false;
	ask_at(1 + DELAY, ACTION_PREPEND, REASON_PASSED);
}
END_TEST

START_TEST(test_stage_greylist_store_full)
{
	ask_at(0, ACTION_DEFER, REASON_GREYLISTED_NEW);
	fake.store.max_entries = 1;
	request.sender = "another@example.net";
	ask_at(1, ACTION_DUNNO, REASON_STORE_FULL);
	ck_assert_uint_eq(memory->rows[STORE_TRIPLET], 1);
	/* What is there goes its way. */
	request.sender = "bob@example.net";
	ask_at(2, ACTION_DEFER, REASON_GREYLISTED_EARLY);
	ask_at(DELAY, ACTION_PREPEND, REASON_PASSED);
	fake.store.max_entries = 3;
	request.sender = "another@example.net";
	ask_at(DELAY, ACTION_DEFER, REASON_GREYLISTED_NEW);
}
END_TEST

START_TEST(test_stage_greylist_store_late)
{
	fake.is_late = true;
	begin_at(0);
	ck_assert_uint_eq(done, 0);
	ck_assert_uint_eq(fake.open_count, 1);
	fake_store_answer(&fake);
	ck_assert_uint_eq(done, 0);
	ck_assert_uint_eq(fake.open_count, 1);
	fake_store_answer(&fake);
	must_be(ACTION_DEFER, REASON_GREYLISTED_NEW);
	begin_at(DELAY);
	fake_store_answer(&fake);
	fake_store_answer(&fake);
	must_be(ACTION_PREPEND, REASON_PASSED);
	ck_assert_uint_eq(fake.cancelled, 0);
}
END_TEST

/* With so many of the two answers. */
START_TEST(test_stage_greylist_deadline)
{
	fake.is_late = true;
	begin_at(0);
	for (int i = 0; i < _i; i++)
		fake_store_answer(&fake);
	pipeline_give_up(&decision);
	must_be(ACTION_DUNNO, REASON_STORE_UNAVAILABLE);
	ck_assert_uint_eq(fake.open_count, 0);
	ck_assert_uint_eq(fake.cancelled, 1);
	ck_assert_uint_eq(all_rows(), 0);
}
END_TEST

START_TEST(test_stage_greylist_cancelled)
{
	fake.is_late = true;
	begin_at(0);
	for (int i = 0; i < _i; i++)
		fake_store_answer(&fake);
	pipeline_cancel(&decision);
	ck_assert_uint_eq(done, 0);
	ck_assert_uint_eq(fake.open_count, 0);
	ck_assert_uint_eq(fake.cancelled, 1);
}
END_TEST

/* Rows that nobody can read are as if there were none. */
START_TEST(test_stage_greylist_foreign_rows)
{
	struct store_row triplet;
	struct store_row network;

	ask_at(0, ACTION_DEFER, REASON_GREYLISTED_NEW);
	triplet = (struct store_row){ .key = decision.triplet.get.key,
		.key_len = decision.triplet.get.key_len,
		.value = "\x09who knows",
		.value_len = 10 };
	network = (struct store_row){ .key = decision.client.get.key,
		.key_len = decision.client.get.key_len,
		.value = "",
		.value_len = 0 };
	store_update(memory, STORE_TRIPLET, &triplet);
	store_insert(memory, STORE_CLIENT, &network);
	ask_at(DELAY, ACTION_DEFER, REASON_GREYLISTED_NEW);
	ask_at(2 * DELAY, ACTION_PREPEND, REASON_PASSED);
	ask_at(2 * DELAY, ACTION_DUNNO, REASON_KNOWN);
	ck_assert_uint_eq(memory->rows[STORE_TRIPLET], 1);
	ck_assert_uint_eq(memory->rows[STORE_CLIENT], 1);
}
END_TEST

/*
 * The client's network.
 */

/* Lets `passes` triplets of the sender pass, an hour and a second apart; returns
 * the time of the last pass. */
static time_t
pass_triplets(const char *sender, unsigned passes)
{
	static char recipient[32];
	time_t now = 0;

	request.sender = sender;
	request.recipient = recipient;
	for (unsigned i = 0; i < passes; i++) {
		now = (time_t)i * 3601;
		snprintf(recipient, sizeof(recipient), "r%u@example.com", i);
		ask_at(now, ACTION_DEFER, REASON_GREYLISTED_NEW);
		now += DELAY;
		ask_at(now, ACTION_PREPEND, REASON_PASSED);
	}
	request.recipient = "ann@example.com";
	return now;
}

START_TEST(test_stage_greylist_trusts)
{
	const time_t last = pass_triplets("bob@example.net", 5);
	const uint64_t triplets = memory->rows[STORE_TRIPLET];

	request.sender = "new@example.org";
	ck_assert(netaddr_parse("192.0.2.200", &request.client));
	ask_at(last + 1, ACTION_DUNNO, REASON_AUTO_WHITELISTED);
	ck_assert(decision.rests_on_store);
	ck_assert_uint_eq(memory->rows[STORE_TRIPLET], triplets);
	ck_assert(netaddr_parse("192.0.3.1", &request.client));
	ask_at(last + 1, ACTION_DEFER, REASON_GREYLISTED_NEW);
}
END_TEST

START_TEST(test_stage_greylist_trusts_not_yet)
{
	const time_t last = pass_triplets("bob@example.net", 4);

	request.sender = "new@example.org";
	ask_at(last + 1, ACTION_DEFER, REASON_GREYLISTED_NEW);
}
END_TEST

START_TEST(test_stage_greylist_known_triplets_count)
{
	time_t now = pass_triplets("bob@example.net", 1);

	request.recipient = "r0@example.com";
	for (int i = 0; i < 4; i++) {
		now += 3600;
		ask_at(now, ACTION_DUNNO, REASON_KNOWN);
	}
	ask_at(now + 1, ACTION_DUNNO, REASON_AUTO_WHITELISTED);
}
END_TEST

START_TEST(test_stage_greylist_trust_is_kept_by_use)
{
	time_t now = pass_triplets("bob@example.net", 5);

	request.sender = "new@example.org";
	for (int i = 0; i < 3; i++) {
		now += policy.keep;
		ask_at(now, ACTION_DUNNO, REASON_AUTO_WHITELISTED);
	}
	ask_at(now + policy.keep + 1, ACTION_DEFER, REASON_GREYLISTED_NEW);
}
END_TEST

START_TEST(test_stage_greylist_null_sender_gains_nothing)
{
	const time_t last = pass_triplets("bob@example.net", 5);

	request.sender = "";
	ask_at(last + 1, ACTION_DEFER, REASON_GREYLISTED_NEW);
	ask_at(last + 1 + DELAY, ACTION_PREPEND, REASON_PASSED);
}
END_TEST

START_TEST(test_stage_greylist_null_sender_does_not_count)
{
	const time_t last = pass_triplets("", 20);

	ck_assert_uint_eq(memory->rows[STORE_CLIENT], 0);
	request.sender = "bob@example.net";
	ask_at(last + 1, ACTION_DEFER, REASON_GREYLISTED_NEW);
}
END_TEST

START_TEST(test_stage_greylist_trust_in_observe_mode)
{
	const time_t last = pass_triplets("bob@example.net", 5);

	policy.mode = GREYLIST_OBSERVE;
	request.sender = "new@example.org";
	ask_at(last + 1, ACTION_DUNNO, REASON_AUTO_WHITELISTED);
	ck_assert_int_eq(decision.verdict.would, ACTION_DUNNO);
}
END_TEST

Suite *
stage_greylist_suite(void)
{
	Suite *suite = suite_create("stage_greylist");
	TCase *tcase = tcase_create("stage_greylist");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_stage_greylist_life);
	tcase_add_test(tcase, test_stage_greylist_late);
	tcase_add_loop_test(tcase, test_stage_greylist_header, 0,
	    sizeof(header_cases) / sizeof(header_cases[0]));
	tcase_add_test(tcase, test_stage_greylist_observe);
	tcase_add_test(tcase, test_stage_greylist_asks_nothing);
	tcase_add_test(tcase, test_stage_greylist_exempt);
	tcase_add_test(tcase, test_stage_greylist_store_down);
	tcase_add_test(tcase, test_stage_greylist_store_full);
	tcase_add_test(tcase, test_stage_greylist_store_late);
	tcase_add_loop_test(tcase, test_stage_greylist_deadline, 0, 2);
	tcase_add_loop_test(tcase, test_stage_greylist_cancelled, 0, 2);
	tcase_add_test(tcase, test_stage_greylist_foreign_rows);
	tcase_add_test(tcase, test_stage_greylist_trusts);
	tcase_add_test(tcase, test_stage_greylist_trusts_not_yet);
	tcase_add_test(tcase, test_stage_greylist_known_triplets_count);
	tcase_add_test(tcase, test_stage_greylist_trust_is_kept_by_use);
	tcase_add_test(tcase, test_stage_greylist_null_sender_gains_nothing);
	tcase_add_test(tcase, test_stage_greylist_null_sender_does_not_count);
	tcase_add_test(tcase, test_stage_greylist_trust_in_observe_mode);
	suite_add_tcase(suite, tcase);
	return suite;
}
