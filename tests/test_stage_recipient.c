/* SPDX-License-Identifier: BSD-2-Clause */
/* What scenarios cannot show: directories that answer late, or never. */
#include "config.h"

#include "stage_recipient.h"

#include <check.h>
#include <string.h>

#include "address_book.h"
#include "container.h"
#include "engine.h"
#include "harvest.h"
#include "store_memory.h"
#include "suites.h"

static struct address_book book;
static struct store *store;
static struct harvest *harvest;
static struct engine *engine;
static struct request request;

/* A decision, and how often it was done. */
static struct {
	struct decision decision;
	unsigned done;
} asked;

static bool
hold(struct pauser *pauser, struct pause *pause)
{
	(void)pauser;
	pause->lookup.done(&pause->lookup);
	return false;
}

static struct pauser pauser = { .hold = hold };

static void
note_done(struct decision *decision)
{
	(void)decision;
	asked.done++;
}

static void
set_up(void)
{
	static const struct siphash_secret secret;
	struct engine_policy policy = {
		.greylist = {
			.mode = GREYLIST_OFF,
			.delay = 120,
			.retry_window = 3600,
			.keep = 86400,
			.code = "DEFER_IF_PERMIT 4.2.0",
			.text = "Wait",
		},
		.origin = { .ipv4_prefix = 24, .ipv6_prefix = 64 },
		.recipient = { .delimiter = "+-" },
		.harvest = { .threshold = 5, .half_life = 60 },
	};

	address_book_init(&book);
	address_book_add(&book, "ann@example.com");
	store = store_memory_create();
	harvest = harvest_create(64, &secret);
	policy.networks = netset_create();
	policy.domains = domainset_create();
	policy.catch_all = domainset_create();
	domainset_add(policy.domains, "example.com");
	engine = engine_create(&policy, &(struct engine_parts){ .store = store,
					    .directory = &book.directory,
					    .harvest = harvest,
					    .pauser = &pauser });
}

static void
tear_down(void)
{
	engine_release(engine);
	harvest_destroy(harvest);
	store_memory_destroy(store);
}

static void
ask(const char *recipient)
{
	struct err err;

	request_init(&request);
	request.request = "smtpd_access_policy";
	request.protocol_state = "RCPT";
	request.client_address = "192.0.2.1";
	request.sender = "bob@example.net";
	request.recipient = recipient;
	ck_assert_int_eq(request_finish(&request, &err), 0);
	asked.done = 0;
	asked.decision.request = &request;
	asked.decision.now = 1000;
	asked.decision.done = note_done;
	pipeline_decide(&asked.decision, engine_stages(engine, ""));
}

static enum reason
reason(void)
{
	ck_assert_uint_eq(asked.done, 1);
	return asked.decision.verdict.reason;
}

START_TEST(a_late_answer_decides_late)
{
	book.is_late = true;
	ask("ann@example.com");
	ck_assert_uint_eq(asked.done, 0);
	address_book_answer(&book);
	ck_assert_int_eq(reason(), REASON_MODE_OFF);
	ask("nobody@example.com");
	ck_assert_uint_eq(asked.done, 0);
	address_book_answer(&book);
	ck_assert_int_eq(reason(), REASON_UNKNOWN_RECIPIENT);
}
END_TEST

START_TEST(no_answer_in_time_is_no_unknown_recipient)
{
	book.is_late = true;
	ask("nobody@example.com");
	pipeline_give_up(&asked.decision);
	ck_assert_int_eq(reason(), REASON_DIRECTORY_UNAVAILABLE);
	ck_assert_int_eq(asked.decision.verdict.action, ACTION_TEMPFAIL);
	ck_assert_uint_eq(book.cancelled, 1);
	ck_assert_uint_eq(book.open_count, 0);
}
END_TEST

START_TEST(who_goes_away_gets_no_answer)
{
	book.is_late = true;
	ask("ann+x@example.com");
	ck_assert_uint_eq(book.open_count, 2);
	pipeline_cancel(&asked.decision);
	ck_assert_uint_eq(asked.done, 0);
	ck_assert_uint_eq(book.cancelled, 2);
}
END_TEST

/* A directory that knows somebody at once, and passes others on. */
static void
find_at_once(struct directory *directory, struct recipient_query *query)
{
	book.is_late = strcmp(query->address, "ann@example.com") != 0;
	address_book_find(directory, query);
}

START_TEST(who_is_known_does_not_wait_for_his_extension)
{
	book.directory.find = find_at_once;
	ask("ann+x@example.com");
	ck_assert_int_eq(reason(), REASON_MODE_OFF);
	ck_assert_uint_eq(book.cancelled, 1);
	ask("nobody+x@example.com");
	ck_assert_uint_eq(asked.done, 0);
	ck_assert_uint_eq(book.open_count, 2);
	pipeline_cancel(&asked.decision);
}
END_TEST

/* The answers of the address as it is and without its extension: known,
 * unknown, or away when the second is asked. */
START_TEST(one_half_of_an_answer_is_no_unknown_recipient)
{
	book.is_late = true;
	ask("nobody+x@example.com");
	address_book_answer(&book);
	book.is_down = true;
	address_book_answer(&book);
	ck_assert_int_eq(reason(), REASON_DIRECTORY_UNAVAILABLE);
}
END_TEST

static const struct {
	const char *recipient;
	enum reason reason;
	unsigned questions;
} recipients[] = {
	{ "ann@example.com", REASON_MODE_OFF, 1 },
	{ "ANN@EXAMPLE.COM.", REASON_MODE_OFF, 1 },
	{ "ann+@example.com", REASON_MODE_OFF, 2 },
	{ "ann-a+b@example.com", REASON_MODE_OFF, 2 },
	{ "-ann@example.com", REASON_UNKNOWN_RECIPIENT, 1 },
	{ "+@example.com", REASON_UNKNOWN_RECIPIENT, 1 },
	{ "@example.com", REASON_UNKNOWN_RECIPIENT, 1 },
	{ "x@ann@example.com", REASON_UNKNOWN_RECIPIENT, 1 },
	{ "\tann@example.com", REASON_UNKNOWN_RECIPIENT, 0 },
	{ "ann\r@example.com", REASON_UNKNOWN_RECIPIENT, 0 },
	{ "ann@exa\x7fmple.com", REASON_MODE_OFF, 0 },
	{ "ann", REASON_MODE_OFF, 0 },
	{ "", REASON_MODE_OFF, 0 },
	{ "ann@[127.0.0.1]", REASON_MODE_OFF, 0 },
	{ "ann@other.example", REASON_MODE_OFF, 0 },
};

START_TEST(recipients_are_asked_for_by_their_addresses)
{
	ask(recipients[_i].recipient);
	ck_assert_msg(reason() == recipients[_i].reason, "%s: %s",
	    recipients[_i].recipient, reason_word(reason()));
	ck_assert_msg(book.asked == recipients[_i].questions, "%s: %u",
	    recipients[_i].recipient, book.asked);
}
END_TEST

START_TEST(an_address_longer_than_any_is_unknown)
{
	char address[ADDRESS_MAX + 64];

	memset(address, 'a', sizeof(address));
	strcpy(address + ADDRESS_MAX, "@Example.com");
	ask(address);
	ck_assert_int_eq(reason(), REASON_UNKNOWN_RECIPIENT);
	ck_assert_uint_eq(book.asked, 0);
	strcpy(address + ADDRESS_MAX, "@other.example");
	ask(address);
	ck_assert_int_eq(reason(), REASON_MODE_OFF);
}
END_TEST

START_TEST(only_rcpt_and_vrfy_have_a_recipient)
{
	struct err err;

	ask("nobody@example.com");
	request.protocol_state = "END-OF-MESSAGE";
	ck_assert_int_eq(request_finish(&request, &err), 0);
	pipeline_decide(&asked.decision, engine_stages(engine, ""));
	ck_assert_int_eq(asked.decision.verdict.reason, REASON_NOT_RCPT);
}
END_TEST

Suite *
stage_recipient_suite(void)
{
	Suite *suite = suite_create("stage_recipient");
	TCase *tests = tcase_create("stage_recipient");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_late_answer_decides_late);
	tcase_add_test(tests, no_answer_in_time_is_no_unknown_recipient);
	tcase_add_test(tests, who_goes_away_gets_no_answer);
	tcase_add_test(tests, who_is_known_does_not_wait_for_his_extension);
	tcase_add_test(tests, one_half_of_an_answer_is_no_unknown_recipient);
	tcase_add_loop_test(tests, recipients_are_asked_for_by_their_addresses,
	    0, (int)(sizeof(recipients) / sizeof(recipients[0])));
	tcase_add_test(tests, an_address_longer_than_any_is_unknown);
	tcase_add_test(tests, only_rcpt_and_vrfy_have_a_recipient);
	suite_add_tcase(suite, tests);
	return suite;
}
