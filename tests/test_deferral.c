/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "deferral.h"

#include <check.h>
#include <limits.h>
#include <string.h>

#include "descriptors.h"
#include "suites.h"
#include "verdict.h"

static const struct {
	const char *code;
	bool good;
} codes[] = {
	{ "DEFER_IF_PERMIT 4.2.0", true },
	{ "DEFER_IF_PERMIT", true },
	{ "DEFER 4.7.1", true },
	{ "451", true },
	{ "450 4.2.0", true },
	{ "450 4.2.999", true },
	{ "", false },
	{ "550", false },
	{ "450 5.1.1", false },
	{ "45", false },
	{ "4500", false },
	{ "450 4.2", false },
	{ "450 4.2.", false },
	{ "450 4..0", false },
	{ "450 4.2.0.1", false },
	{ "450 4.2.0 text", false },
	{ "450  4.2.0", false },
	{ "DUNNO", false },
	{ "REJECT", false },
	{ "DEFERRED", false },
	{ "450\n4.2.0", false },
	{ "450 4.2.0\n", false },
	{ "450 ", false },
	{ "DEFER ", false },
	{ "DEFER_IF_PERMIT ", false },
	{ "DEFER_IF_PERMIT4.2.0", false },
	{ "DEFER_IF_PERMIT 5.2.0", false },
	{ "DEFER_IF_PERMIT 450", false },
	{ "DEFER_IF_REJECT 4.2.0", false },
	{ "defer_if_permit 4.2.0", false },
	{ " DEFER", false },
	{ "4ab", false },
	{ "250", false },
	{ "450 4x2.0", false },
	{ "421 4.1234.0", false },
	{ "421 4.2.1234", false },
	{ "421 4.123.123", true },
	{ "421 4.a.0", false },
	{ "499", true },
};

START_TEST(only_what_defers_is_a_code)
{
	struct err err = { "" };
	const int result = deferral_check_code(codes[_i].code, &err);

	ck_assert_msg((result == 0) == codes[_i].good, "\"%s\"",
	    codes[_i].code);
	ck_assert((*err.text == '\0') == codes[_i].good);
}
END_TEST

static const struct {
	const char *text;
	const char *written;
} texts[] = {
	{ "Wait", "451 Wait" },
	{ "Wait %d seconds", "451 Wait 90 seconds" },
	{ "%r waits", "451 ann@example.com waits" },
	{ "100%% %d", "451 100% 90" },
	{ "%r%d%%", "451 ann@example.com90%" },
	{ "wait", "451 wait" },
	{ "%%d%%r", "451 %d%r" },
	{ "%%%d", "451 %90" },
	{ "%%%%", "451 %%" },
	{ "", NULL },
	{ "%s", NULL },
	{ "%n", NULL },
	{ "%D", NULL },
	{ "%%%", NULL },
	{ "%d%%%d", NULL },
	{ "wait %", NULL },
	{ "%", NULL },
	{ "%d %d", NULL },
	{ "%r %r", NULL },
	{ "%5d", NULL },
	/* Digits and blanks alone are no deferral for Postfix. */
	{ "%d", NULL },
	{ "%r", NULL },
	{ "451 %d", NULL },
	{ " ", NULL },
};

START_TEST(a_text_is_filled_in_or_refused)
{
	char memory[VERDICT_TEXT];
	struct err err;
	struct buf out;

	if (texts[_i].written == NULL) {
		err.text[0] = '\0';
		ck_assert_int_eq(deferral_check_text(texts[_i].text, &err), -1);
		ck_assert_str_ne(err.text, "");
		return;
	}
	ck_assert_int_eq(deferral_check_text(texts[_i].text, &err), 0);
	buf_init(&out, memory, sizeof(memory));
	deferral_write("451", texts[_i].text, 90, "ann@example.com", &out);
	ck_assert_uint_eq(out.len, strlen(texts[_i].written));
	ck_assert(memcmp(out.data, texts[_i].written, out.len) == 0);
}
END_TEST

/* A text of `len` bytes that ends in both signs. */
static void
make_text(char *text, size_t len)
{
	memset(text, 'a', len);
	memcpy(text + len - 4, "%d%r", 5);
}

static const struct {
	const char *what;
	time_t wait;
	const char *recipient;
	const char *written;
} fillings[] = {
	{ "no time", 0, "a@b", "450 a@b 0" },
	{ "a time that has passed", -1, "a@b", "450 a@b -1" },
	{ "all time", (time_t)LLONG_MAX, "a@b", "450 a@b 9223372036854775807" },
	{ "no recipient", 1, "", "450  1" },
	{ "a recipient with signs", 1, "%d%r%%%", "450 %d%r%%% 1" },
	{ "a recipient of many lines", 1, "a\nb", "450 a\nb 1" },
};

START_TEST(what_is_filled_in_is_not_read_again)
{
	char memory[VERDICT_TEXT];
	struct buf out;

	buf_init(&out, memory, sizeof(memory) - 1);
	deferral_write("450", "%r %d", fillings[_i].wait,
	    fillings[_i].recipient, &out);
	memory[out.len] = '\0';
	ck_assert_msg(strcmp(memory, fillings[_i].written) == 0, "%s: %s",
	    fillings[_i].what, memory);
}
END_TEST

START_TEST(a_text_has_a_bound)
{
	char text[DEFERRAL_TEXT_MAX + 2];
	struct err err;

	make_text(text, DEFERRAL_TEXT_MAX);
	ck_assert_int_eq(deferral_check_text(text, &err), 0);
	make_text(text, DEFERRAL_TEXT_MAX + 1);
	ck_assert_int_eq(deferral_check_text(text, &err), -1);
}
END_TEST

/* The longest that are checked, in a buffer that is no larger than said. */
START_TEST(the_longest_deferral_fits_a_verdict)
{
	const char code[] = "DEFER_IF_PERMIT 4.255.255";
	char text[DEFERRAL_TEXT_MAX + 1];
	char recipient[DEFERRAL_RECIPIENT_MAX + 1];
	char memory[VERDICT_TEXT - 1];
	struct err err;
	struct buf out;

	ck_assert_int_eq(deferral_check_code(code, &err), 0);
	make_text(text, DEFERRAL_TEXT_MAX);
	memset(recipient, 'r', DEFERRAL_RECIPIENT_MAX);
	recipient[DEFERRAL_RECIPIENT_MAX] = '\0';
	buf_init(&out, memory, sizeof(memory));
	deferral_write(code, text, (time_t)LLONG_MIN, recipient, &out);
	ck_assert_uint_eq(out.len, strlen(code) + 1 + DEFERRAL_TEXT_MAX - 4 +
				       strlen("-9223372036854775808") +
				       DEFERRAL_RECIPIENT_MAX);
	ck_assert(memcmp(out.data + out.len - DEFERRAL_RECIPIENT_MAX, recipient,
		      DEFERRAL_RECIPIENT_MAX) == 0);
}
END_TEST

START_TEST(a_longer_recipient_is_not_named)
{
	char recipient[DEFERRAL_RECIPIENT_MAX + 2];
	char memory[64];
	struct buf out;

	memset(recipient, 'r', sizeof(recipient));
	recipient[DEFERRAL_RECIPIENT_MAX + 1] = '\0';
	buf_init(&out, memory, sizeof(memory) - 1);
	deferral_write("450", "%r waits", 1, recipient, &out);
	memory[out.len] = '\0';
	ck_assert_str_eq(memory, "450 this recipient waits");
}
END_TEST

Suite *
deferral_suite(void)
{
	Suite *suite = suite_create("deferral");
	TCase *tests = tcase_create("deferral");

	tcase_add_checked_fixture(tests, descriptors_count, descriptors_check);
	tcase_add_loop_test(tests, only_what_defers_is_a_code, 0,
	    sizeof(codes) / sizeof(codes[0]));
	tcase_add_loop_test(tests, a_text_is_filled_in_or_refused, 0,
	    sizeof(texts) / sizeof(texts[0]));
	tcase_add_loop_test(tests, what_is_filled_in_is_not_read_again, 0,
	    sizeof(fillings) / sizeof(fillings[0]));
	tcase_add_test(tests, a_text_has_a_bound);
	tcase_add_test(tests, the_longest_deferral_fits_a_verdict);
	tcase_add_test(tests, a_longer_recipient_is_not_named);
	suite_add_tcase(suite, tests);
	return suite;
}
