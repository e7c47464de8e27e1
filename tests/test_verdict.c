/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "verdict.h"

#include <check.h>
#include <string.h>

#include "suites.h"

static char memory[VERDICT_REPLY + 1];

/* The reply as a string. */
static const char *
reply_of(const struct verdict *verdict)
{
	struct buf out;

	buf_init(&out, memory, VERDICT_REPLY);
	verdict_write(verdict, &out);
	ck_assert(!out.full);
	memory[out.len] = '\0';
	ck_assert_uint_eq(strlen(memory), out.len);
	return memory;
}

static const struct {
	const char *what;
	const char *text;
	const char *reply;
} texts[] = {
	{ "a deferral", "DEFER_IF_PERMIT 4.2.0 Wait",
	    "action=DEFER_IF_PERMIT 4.2.0 Wait\n\n" },
	{ "UTF-8", "450 caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
	    "action=450 caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n\n" },
	{ "nothing", "", "action=DUNNO\n\n" },
	{ "digits only", "450", "action=DUNNO\n\n" },
	{ "digits and blanks", " 45 0 ", "action=DUNNO\n\n" },
	{ "a new line", "450 a\nb=c\n\n", "action=450 a?b=c??\n\n" },
	{ "CR LF", "450 a\r\n", "action=450 a??\n\n" },
	{ "control bytes", "450 \x01\x1b\x7f", "action=450 ???\n\n" },
	{ "not UTF-8", "450 \xff\xfe", "action=450 ??\n\n" },
	{ "a sequence that ends too early", "450 \xe2\x82",
	    "action=450 ??\n\n" },
	{ "a sequence that is broken", "450 \xe2\x28\xa1",
	    "action=450 ?(?\n\n" },
	{ "an overlong slash", "450 \xc0\xaf", "action=450 ??\n\n" },
	{ "an overlong sequence of three", "450 \xe0\x80\xaf",
	    "action=450 ???\n\n" },
	{ "a surrogate", "450 \xed\xa0\x80", "action=450 ???\n\n" },
	{ "beyond Unicode", "450 \xf4\x90\x80\x80", "action=450 ????\n\n" },
	{ "the last character", "450 \xf4\x8f\xbf\xbf",
	    "action=450 \xf4\x8f\xbf\xbf\n\n" },
};

START_TEST(no_text_is_misread)
{
	struct verdict verdict = { 0 };

	ck_assert(verdict_defer(&verdict, REASON_GREYLISTED_NEW, texts[_i].text,
	    strlen(texts[_i].text)));
	ck_assert_msg(strcmp(reply_of(&verdict), texts[_i].reply) == 0,
	    "%s: %s", texts[_i].what, memory);
}
END_TEST

START_TEST(a_text_that_is_too_long_is_refused)
{
	struct verdict verdict;
	char text[VERDICT_TEXT];

	memset(text, 'a', sizeof(text));
	verdict_pass(&verdict, REASON_KNOWN);
	ck_assert(!verdict_defer(&verdict, REASON_GREYLISTED_NEW, text,
	    sizeof(text)));
	ck_assert_int_eq(verdict.action, ACTION_DUNNO);
	ck_assert_int_eq(verdict.reason, REASON_KNOWN);
	ck_assert(verdict_defer(&verdict, REASON_GREYLISTED_NEW, text,
	    sizeof(text) - 1));
	ck_assert_uint_eq(strlen(reply_of(&verdict)),
	    strlen("action=\n\n") + sizeof(text) - 1);
}
END_TEST

START_TEST(a_pass_is_dunno)
{
	struct verdict verdict;

	verdict_pass(&verdict, REASON_KNOWN);
	ck_assert_str_eq(reply_of(&verdict), "action=DUNNO\n\n");
	ck_assert_str_eq(action_word(verdict.action), "dunno");
}
END_TEST

START_TEST(a_header_is_prepended)
{
	struct verdict verdict;

	ck_assert(verdict_prepend(&verdict, REASON_PASSED, "X-Y: z"));
	ck_assert_str_eq(reply_of(&verdict), "action=PREPEND X-Y: z\n\n");
}
END_TEST

START_TEST(observing_does_nothing_and_says_what_it_would)
{
	struct verdict verdict = { 0 };

	verdict_defer(&verdict, REASON_GREYLISTED_NEW, "450 a", 5);
	verdict_only_observe(&verdict);
	ck_assert_str_eq(reply_of(&verdict), "action=DUNNO\n\n");
	ck_assert_int_eq(verdict.would, ACTION_DEFER);
	ck_assert_int_eq(verdict.reason, REASON_GREYLISTED_NEW);
}
END_TEST

Suite *
verdict_suite(void)
{
	Suite *suite = suite_create("verdict");
	TCase *tests = tcase_create("verdict");

	tcase_add_loop_test(tests, no_text_is_misread, 0,
	    sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tests, a_text_that_is_too_long_is_refused);
	tcase_add_test(tests, a_pass_is_dunno);
	tcase_add_test(tests, a_header_is_prepended);
	tcase_add_test(tests, observing_does_nothing_and_says_what_it_would);
	suite_add_tcase(suite, tests);
	return suite;
}
