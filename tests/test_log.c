/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "log.h"

#include <check.h>
#include <string.h>

#include "container.h"
#include "descriptors.h"
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

/* Each level through its own function. */
static void
log_at(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		log_error("number %d", 1);
		break;
	case LOG_LEVEL_WARNING:
		log_warning("number %d", 2);
		break;
	case LOG_LEVEL_INFO:
		log_info("number %d", 3);
		break;
	case LOG_LEVEL_DEBUG:
		log_debug("number %d", 4);
		break;
	}
}

static const struct {
	enum log_level most;
	enum log_level level;
	/* NULL: it is not logged. */
	const char *text;
} levels[] = {
	{ LOG_LEVEL_ERROR, LOG_LEVEL_ERROR, "number 1" },
	{ LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, NULL },
	{ LOG_LEVEL_ERROR, LOG_LEVEL_INFO, NULL },
	{ LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG, NULL },
	{ LOG_LEVEL_WARNING, LOG_LEVEL_ERROR, "number 1" },
	{ LOG_LEVEL_WARNING, LOG_LEVEL_WARNING, "number 2" },
	{ LOG_LEVEL_WARNING, LOG_LEVEL_INFO, NULL },
	{ LOG_LEVEL_WARNING, LOG_LEVEL_DEBUG, NULL },
	{ LOG_LEVEL_INFO, LOG_LEVEL_ERROR, "number 1" },
	{ LOG_LEVEL_INFO, LOG_LEVEL_WARNING, "number 2" },
	{ LOG_LEVEL_INFO, LOG_LEVEL_INFO, "number 3" },
	{ LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, NULL },
	{ LOG_LEVEL_DEBUG, LOG_LEVEL_ERROR, "number 1" },
	{ LOG_LEVEL_DEBUG, LOG_LEVEL_WARNING, "number 2" },
	{ LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, "number 3" },
	{ LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG, "number 4" },
};

START_TEST(only_what_is_serious_enough_is_logged)
{
	const enum log_level level = levels[_i].level;
	const char *text = levels[_i].text;

	log_to(&capture.sink, levels[_i].most);
	ck_assert(log_enabled(level) == (text != NULL));
	log_at(level);
	ck_assert_uint_eq(capture.lines, text != NULL);
	if (text == NULL)
		return;
	ck_assert_str_eq(capture.text, text);
	ck_assert_int_eq(capture.level, level);
}
END_TEST

START_TEST(a_ready_line_passes_as_it_is)
{
	log_to(&capture.sink, LOG_LEVEL_INFO);
	log_line(LOG_LEVEL_INFO, "100% a=b and more", 8);
	ck_assert_str_eq(capture.text, "100% a=b");
	ck_assert_int_eq(capture.level, LOG_LEVEL_INFO);
	log_line(LOG_LEVEL_DEBUG, "c", 1);
	ck_assert_uint_eq(capture.lines, 1);
}
END_TEST

START_TEST(the_last_sink_takes_the_lines)
{
	struct capture other = { .sink = { .line = keep, .flush = flush } };

	log_to(&capture.sink, LOG_LEVEL_INFO);
	log_to(&other.sink, LOG_LEVEL_INFO);
	log_info("here");
	log_flush();
	ck_assert_str_eq(other.text, "here");
	ck_assert_uint_eq(other.flushes, 1);
	ck_assert_uint_eq(capture.lines, 0);
	ck_assert_uint_eq(capture.flushes, 0);
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
	log_info("%s", "a\nb\x1b\x7f\t ~\x80\xc3\xa9\x1f");
	ck_assert_str_eq(capture.text, "a?b??? ~\x80\xc3\xa9?");
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
	capture.sink.flush = NULL;
	log_flush();
	ck_assert_uint_eq(capture.flushes, 1);
}
END_TEST

Suite *
log_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *tests = tcase_create("log");

	tcase_add_checked_fixture(tests, descriptors_count, descriptors_check);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, only_what_is_serious_enough_is_logged, 0,
	    sizeof(levels) / sizeof(levels[0]));
	tcase_add_test(tests, a_ready_line_passes_as_it_is);
	tcase_add_test(tests, the_last_sink_takes_the_lines);
	tcase_add_test(tests, without_a_sink_nothing_happens);
	tcase_add_test(tests, control_bytes_do_not_pass);
	tcase_add_test(tests, a_long_sentence_is_bounded);
	tcase_add_test(tests, a_flush_reaches_the_sink);
	suite_add_tcase(suite, tests);
	return suite;
}
