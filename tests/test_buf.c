/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "buf.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>

#include "descriptors.h"
#include "suites.h"

static char memory[16];
static struct buf buf;

static void
set_up(void)
{
	buf_init(&buf, memory, sizeof(memory));
}

static void
assert_holds(const char *text)
{
	ck_assert(buf.len <= buf.cap);
	ck_assert_uint_eq(buf.len, strlen(text));
	ck_assert(memcmp(buf.data, text, buf.len) == 0);
}

START_TEST(parts_are_appended)
{
	ck_assert(buf_puts(&buf, "ab"));
	ck_assert(buf_putc(&buf, 'c'));
	ck_assert(buf_append(&buf, "de", 2));
	ck_assert(buf_printf(&buf, "%d", 67));
	assert_holds("abcde67");
}
END_TEST

START_TEST(what_does_not_fit_is_not_cut)
{
	ck_assert(buf_puts(&buf, "0123456789"));
	ck_assert(!buf_puts(&buf, "abcdefg"));
	assert_holds("0123456789");
	ck_assert(buf.full);
	ck_assert(!buf_printf(&buf, "%s", "abcdefg"));
	ck_assert(!buf_put_escaped(&buf, "ab\n\n", 4));
	assert_holds("0123456789");
	ck_assert(buf_puts(&buf, "abcdef"));
	assert_holds("0123456789abcdef");
	ck_assert(buf.full);
	buf_clear(&buf);
	ck_assert(!buf.full);
	assert_holds("");
}
END_TEST

static const struct {
	long long number;
	const char *text;
} numbers[] = {
	{ 0, "0" },
	{ 7, "7" },
	{ -1, "-1" },
	{ 1234567890, "1234567890" },
	{ -99999, "-99999" },
};

START_TEST(numbers_are_decimal)
{
	ck_assert(buf_put_number(&buf, numbers[_i].number));
	assert_holds(numbers[_i].text);
}
END_TEST

START_TEST(the_extreme_numbers_are_decimal)
{
	char large[64];

	buf_init(&buf, large, sizeof(large));
	buf_put_number(&buf, LLONG_MIN);
	buf_putc(&buf, ' ');
	buf_put_number(&buf, LLONG_MAX);
	assert_holds("-9223372036854775808 9223372036854775807");
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	const char *text;
} escapes[] = {
	{ "plain a~ ", 9, "plain a~ " },
	{ "a\nb", 3, "a\\x0ab" },
	{ "\0", 1, "\\x00" },
	{ "<>", 2, "\\x3c\\x3e" },
	{ "\"\\", 2, "\\x22\\x5c" },
	{ "\x7f\xff", 2, "\\x7f\\xff" },
	{ "\x1b[1m", 4, "\\x1b[1m" },
	{ "", 0, "" },
};

START_TEST(foreign_bytes_are_escaped)
{
	ck_assert(buf_put_escaped(&buf, escapes[_i].bytes, escapes[_i].len));
	assert_holds(escapes[_i].text);
}
END_TEST

/* By the table of the header: control bytes, bytes above 0x7e, < > " \ */
START_TEST(every_byte_is_plain_or_escaped)
{
	for (int i = 0; i <= UCHAR_MAX; i++) {
		const char byte = (char)i;
		const bool plain =
		    i >= ' ' && i <= '~' && memchr("<>\"\\", i, 4) == NULL;
		char text[8];

		snprintf(text, sizeof(text), plain ? "%c" : "\\x%02x", i);
		buf_clear(&buf);
		ck_assert(buf_put_escaped(&buf, &byte, 1));
		assert_holds(text);
	}
}
END_TEST

static const struct {
	const char *what;
	const char *text;
	bool fits;
} tails[] = {
	{ "plain up to the brim", "123456", true },
	{ "plain and one too many", "1234567", false },
	{ "an escape up to the brim", "12\n", true },
	{ "an escape and one too many", "123\n", false },
	{ "plain behind an escape", "\n12", true },
	{ "plain behind an escape, one too many", "\n123", false },
	{ "two escapes", "\n\n", false },
	{ "nothing", "", true },
};

/* Six bytes are free. */
START_TEST(an_escaped_text_is_there_or_not)
{
	const bool fits = tails[_i].fits;

	buf_puts(&buf, "0123456789");
	ck_assert_msg(buf_put_escaped(&buf, tails[_i].text,
			  strlen(tails[_i].text)) == fits,
	    "%s", tails[_i].what);
	ck_assert(buf.full == !fits);
	ck_assert(fits || buf.len == 10);
	ck_assert(memcmp(buf.data, "0123456789", 10) == 0);
}
END_TEST

/* vsnprintf() needs the byte behind its text, too. */
START_TEST(a_printed_text_leaves_a_byte_free)
{
	ck_assert(!buf_printf(&buf, "%016d", 7));
	assert_holds("");
	ck_assert(buf.full);
	ck_assert(buf_printf(&buf, "%015d", 7));
	assert_holds("000000000000007");
}
END_TEST

START_TEST(a_buffer_of_nothing_is_full_at_once)
{
	buf_init(&buf, NULL, 0);
	ck_assert(buf_append(&buf, "", 0));
	ck_assert(buf_put_escaped(&buf, "", 0));
	ck_assert(!buf.full);
	ck_assert(!buf_putc(&buf, 'a'));
	ck_assert(buf.full);
	ck_assert_uint_eq(buf.len, 0);
	ck_assert_uint_eq(buf_room(&buf), 0);
}
END_TEST

START_TEST(a_number_that_does_not_fit_is_not_cut)
{
	buf_puts(&buf, "0123456789abc");
	ck_assert(!buf_put_number(&buf, -123));
	assert_holds("0123456789abc");
	ck_assert(buf_put_number(&buf, 123));
	assert_holds("0123456789abc123");
}
END_TEST

START_TEST(what_is_consumed_makes_room)
{
	buf_puts(&buf, "0123456789abcdef");
	buf_consume(&buf, 10);
	assert_holds("abcdef");
	ck_assert_uint_eq(buf_room(&buf), 10);
	memcpy(buf_space(&buf), "gh", 2);
	buf_added(&buf, 2);
	assert_holds("abcdefgh");
	buf_consume(&buf, 8);
	assert_holds("");
}
END_TEST

Suite *
buf_suite(void)
{
	Suite *suite = suite_create("buf");
	TCase *tests = tcase_create("buf");

	tcase_add_checked_fixture(tests, descriptors_count, descriptors_check);
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, parts_are_appended);
	tcase_add_test(tests, what_does_not_fit_is_not_cut);
	tcase_add_loop_test(tests, numbers_are_decimal, 0,
	    sizeof(numbers) / sizeof(numbers[0]));
	tcase_add_test(tests, the_extreme_numbers_are_decimal);
	tcase_add_loop_test(tests, foreign_bytes_are_escaped, 0,
	    sizeof(escapes) / sizeof(escapes[0]));
	tcase_add_test(tests, every_byte_is_plain_or_escaped);
	tcase_add_loop_test(tests, an_escaped_text_is_there_or_not, 0,
	    sizeof(tails) / sizeof(tails[0]));
	tcase_add_test(tests, a_printed_text_leaves_a_byte_free);
	tcase_add_test(tests, a_buffer_of_nothing_is_full_at_once);
	tcase_add_test(tests, a_number_that_does_not_fit_is_not_cut);
	tcase_add_test(tests, what_is_consumed_makes_room);
	suite_add_tcase(suite, tests);
	return suite;
}
