/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "deferral.h"

#include <check.h>
#include <limits.h>
#include <string.h>

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
	{ "", NULL },
	{ "%s", NULL },
	{ "%", NULL },
	{ "%d %d", NULL },
	{ "%r %r", NULL },
	{ "%5d", NULL },
};

START_TEST(a_text_is_filled_in_or_refused)
{
	char memory[VERDICT_TEXT];
	struct err err;
	struct buf out;

	if (texts[_i].written == NULL) {
		ck_assert_int_eq(deferral_check_text(texts[_i].text, &err), -1);
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

START_TEST(the_longest_deferral_fits_a_verdict)
{
	char text[DEFERRAL_TEXT_MAX + 2];
	char code[] = "DEFER_IF_PERMIT 4.255.255";
	char recipient[DEFERRAL_RECIPIENT_MAX + 2];
	char memory[VERDICT_TEXT - 1];
	struct err err;
	struct buf out;

	make_text(text, DEFERRAL_TEXT_MAX);
	ck_assert_int_eq(deferral_check_text(text, &err), 0);
	memset(recipient, 'r', sizeof(recipient));
	recipient[DEFERRAL_RECIPIENT_MAX] = '\0';
	buf_init(&out, memory, sizeof(memory));
	deferral_write(code, text, (time_t)LLONG_MAX, recipient, &out);
	recipient[DEFERRAL_RECIPIENT_MAX] = 'r';
	recipient[DEFERRAL_RECIPIENT_MAX + 1] = '\0';
	buf_clear(&out);
	deferral_write(code, text, 1, recipient, &out);
	ck_assert(memcmp(out.data + out.len - 14, "this recipient", 14) == 0);
	make_text(text, DEFERRAL_TEXT_MAX + 1);
	ck_assert_int_eq(deferral_check_text(text, &err), -1);
}
END_TEST

Suite *
deferral_suite(void)
{
	Suite *suite = suite_create("deferral");
	TCase *tests = tcase_create("deferral");

	tcase_add_loop_test(tests, only_what_defers_is_a_code, 0,
	    sizeof(codes) / sizeof(codes[0]));
	tcase_add_loop_test(tests, a_text_is_filled_in_or_refused, 0,
	    sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tests, the_longest_deferral_fits_a_verdict);
	suite_add_tcase(suite, tests);
	return suite;
}
