/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "log.h"

#include <check.h>
#include <string.h>

#include "container.h"
#include "suites.h"

/* A sink that keeps the last line. */
struct capture {
	struct log_sink sink;
	char text[4096];
	enum log_level level;
	unsigned lines;
	unsigned flushes;
};

static struct capture capture;

static void
keep(struct log_sink *sink, enum log_level level, const char *text, size_t len)
{
	struct capture *self = container_of(sink, struct capture, sink);

	ck_assert_uint_lt(len, sizeof(self->text));
	memcpy(self->text, text, len);
	self->text[len] = '\0';
	self->level = level;
	self->lines++;
}

static void
flush(struct log_sink *sink)
{
	container_of(sink, struct capture, sink)->flushes++;
}

static void
set_up(void)
{
	capture = (struct capture){ .sink = { .line = keep, .flush = flush } };
}

static void
tear_down(void)
{
	log_to(NULL, LOG_LEVEL_ERROR);
}

START_TEST(only_what_is_serious_enough_is_logged)
{
	log_to(&capture.sink, LOG_LEVEL_WARNING);
	log_error("one %d", 1);
	ck_assert_str_eq(capture.text, "one 1");
	ck_assert_int_eq(capture.level, LOG_LEVEL_ERROR);
	log_warning("two");
	ck_assert_uint_eq(capture.lines, 2);
	log_info("three");
	log_debug("four");
	ck_assert_uint_eq(capture.lines, 2);
	ck_assert(!log_enabled(LOG_LEVEL_INFO));
}
END_TEST

START_TEST(without_a_sink_nothing_happens)
{
	log_to(NULL, LOG_LEVEL_DEBUG);
	log_error("nobody hears");
	log_flush();
	ck_assert(!log_enabled(LOG_LEVEL_ERROR));
}
END_TEST

START_TEST(control_bytes_do_not_pass)
{
	log_to(&capture.sink, LOG_LEVEL_DEBUG);
	log_info("%s", "a\nb\x1b\x7f");
	ck_assert_str_eq(capture.text, "a?b??");
}
END_TEST

START_TEST(a_long_sentence_is_bounded)
{
	char text[5000];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_to(&capture.sink, LOG_LEVEL_DEBUG);
	log_info("%s", text);
	ck_assert_uint_eq(strlen(capture.text), 2047);
}
END_TEST

START_TEST(a_flush_reaches_the_sink)
{
	log_to(&capture.sink, LOG_LEVEL_DEBUG);
	log_flush();
	ck_assert_uint_eq(capture.flushes, 1);
}
END_TEST

Suite *
log_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *tests = tcase_create("log");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, only_what_is_serious_enough_is_logged);
	tcase_add_test(tests, without_a_sink_nothing_happens);
	tcase_add_test(tests, control_bytes_do_not_pass);
	tcase_add_test(tests, a_long_sentence_is_bounded);
	tcase_add_test(tests, a_flush_reaches_the_sink);
	suite_add_tcase(suite, tests);
	return suite;
}
