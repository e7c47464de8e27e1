/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "buf.h"

#include <check.h>
#include <limits.h>

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

	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, parts_are_appended);
	tcase_add_test(tests, what_does_not_fit_is_not_cut);
	tcase_add_loop_test(tests, numbers_are_decimal, 0,
	    sizeof(numbers) / sizeof(numbers[0]));
	tcase_add_test(tests, the_extreme_numbers_are_decimal);
	tcase_add_loop_test(tests, foreign_bytes_are_escaped, 0,
	    sizeof(escapes) / sizeof(escapes[0]));
	tcase_add_test(tests, what_is_consumed_makes_room);
	suite_add_tcase(suite, tests);
	return suite;
}
