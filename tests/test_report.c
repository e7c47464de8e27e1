/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "report.h"

#include <check.h>
#include <string.h>

#include "container.h"
#include "log.h"
#include "suites.h"

struct capture {
	struct log_sink sink;
	char text[16384];
};

static struct capture capture;
static struct metrics metrics;
static struct request request;
static struct verdict verdict;

static void
keep(struct log_sink *sink, enum log_level level, const char *text, size_t len)
{
	struct capture *self = container_of(sink, struct capture, sink);

	ck_assert_int_eq(level, LOG_LEVEL_INFO);
	ck_assert_uint_lt(len, sizeof(self->text));
	memcpy(self->text, text, len);
	self->text[len] = '\0';
}

static void
set_up(void)
{
	capture = (struct capture){ .sink = { .line = keep } };
	log_to(&capture.sink, LOG_LEVEL_INFO);
	metrics = (struct metrics){ 0 };
	request_init(&request);
	request.client_name = "mail.example.net";
	request.client_address = "192.0.2.1";
	request.sender = "bob@example.net";
	request.recipient = "ann@example.com";
	request.instance = "1a.2b.0";
	verdict_defer(&verdict, REASON_GREYLISTED_NEW, "450 a", 5);
	verdict.wait = 120;
}

static void
tear_down(void)
{
	log_to(NULL, LOG_LEVEL_ERROR);
}

START_TEST(a_decision_is_one_line)
{
	report_decision(&metrics, &request, &verdict);
	ck_assert_str_eq(capture.text,
	    "action=defer reason=greylisted-new "
	    "client=mail.example.net[192.0.2.1] sender=<bob@example.net> "
	    "recipient=<ann@example.com> delay=0 wait=120 queue_id= "
	    "instance=1a.2b.0");
	ck_assert_uint_eq(metrics.reasons[REASON_GREYLISTED_NEW], 1);
	ck_assert_uint_eq(metrics.actions[ACTION_DEFER], 1);
}
END_TEST

START_TEST(what_observe_would_do_is_told)
{
	static const char start[] =
	    "action=dunno would=defer reason=greylisted-new ";

	verdict_only_observe(&verdict);
	report_decision(&metrics, &request, &verdict);
	ck_assert(strncmp(capture.text, start, sizeof(start) - 1) == 0);
	ck_assert_uint_eq(metrics.actions[ACTION_DUNNO], 1);
}
END_TEST

START_TEST(nobody_forges_a_field)
{
	request.sender = "x> recipient=<ceo@example.com\naction=dunno";
	report_decision(&metrics, &request, &verdict);
	ck_assert_ptr_nonnull(strstr(capture.text,
	    " sender=<x\\x3e recipient=\\x3cceo@example.com\\x0aaction=dunno> "
	    "recipient=<ann@example.com> "));
}
END_TEST

START_TEST(the_longest_line_has_a_bound)
{
	static char value[5000];

	memset(value, '\n', sizeof(value) - 1);
	request.client_name = request.client_address = value;
	request.sender = request.recipient = value;
	request.instance = request.queue_id = value;
	report_decision(&metrics, &request, &verdict);
	ck_assert_ptr_nonnull(strstr(capture.text, "\\x0a...> "));
}
END_TEST

Suite *
report_suite(void)
{
	Suite *suite = suite_create("report");
	TCase *tests = tcase_create("report");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_decision_is_one_line);
	tcase_add_test(tests, what_observe_would_do_is_told);
	tcase_add_test(tests, nobody_forges_a_field);
	tcase_add_test(tests, the_longest_line_has_a_bound);
	suite_add_tcase(suite, tests);
	return suite;
}
