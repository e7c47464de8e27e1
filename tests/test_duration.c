/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <inttypes.h>

#include "duration.h"
#include "suites.h"

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)

START_TEST(test_duration_parse)
{
	static const struct {
		const char *name;
		const char *text;
		int64_t seconds;
	} cases[] = {
		{ "seconds", "90s", 90 },
		{ "minutes", "2m", 2 * MINUTE },
		{ "hours", "48h", 48 * HOUR },
		{ "days", "36d", 36 * DAY },
		{ "weeks", "2w", 2 * WEEK },
		{ "two units", "2d12h", 2 * DAY + 12 * HOUR },
		{ "all units", "1w1d1h1m1s", WEEK + DAY + HOUR + MINUTE + 1 },
		{ "nothing", "0s", 0 },
		{ "more than the next unit holds", "1h90m",
		    HOUR + 90 * MINUTE },
		{ "leading zeros", "007s", 7 },
		{ "the longest", "9223372036854775807s", INT64_MAX },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err;
		int64_t seconds = -1;

		ck_assert_msg(duration_parse(cases[i].text, &seconds, &err) ==
				  0,
		    "%s: refused", cases[i].name);
		ck_assert_msg(seconds == cases[i].seconds, "%s: %" PRId64,
		    cases[i].name, seconds);
	}
}
END_TEST

START_TEST(test_duration_refused)
{
	static const struct {
		const char *name;
		const char *text;
	} cases[] = {
		{ "empty", "" },
		{ "no unit", "120" },
		{ "no unit behind a good part", "2d12" },
		{ "no number", "m" },
		{ "no number behind a good part", "2dh" },
		{ "unknown unit", "2y" },
		{ "capital unit", "2D" },
		{ "unit of a size", "2K" },
		{ "unit twice", "1d1d" },
		{ "rising units", "1s1m" },
		{ "negative", "-1s" },
		{ "sign", "+1s" },
		{ "fraction", "1.5h" },
		{ "space", "2 m" },
		{ "space before", " 2m" },
		{ "space behind", "2m " },
		{ "one second too long", "9223372036854775808s" },
		{ "number too large", "99999999999999999999s" },
		{ "product too large", "99999999999999999w" },
		{ "sum too large", "15250284452471w9223372036854775807s" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { "" };
		int64_t seconds = -1;

		ck_assert_msg(duration_parse(cases[i].text, &seconds, &err) ==
				  -1,
		    "%s: accepted", cases[i].name);
		ck_assert_msg(seconds == -1, "%s: result written",
		    cases[i].name);
		ck_assert_msg(err.text[0] != '\0', "%s: not explained",
		    cases[i].name);
	}
}
END_TEST

START_TEST(test_duration_error_says_what_is_accepted)
{
	struct err err;
	int64_t seconds;

	ck_assert_int_eq(duration_parse("120", &seconds, &err), -1);
	ck_assert_str_eq(err.text,
	    "\"120\" is not a duration, the unit is missing; write it like "
	    "90s, 2m or 2d12h, with the units w, d, h, m and s");
}
END_TEST

START_TEST(test_duration_format)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ 0, "0s" },
		{ 59, "59s" },
		{ 120, "2m" },
		{ 2 * DAY + 12 * HOUR, "2d12h" },
		{ 36 * DAY, "36d" },
		{ DAY + 1, "1d1s" },
		{ -90, "-1m30s" },
		{ INT64_MAX, "106751991167300d15h30m7s" },
		{ INT64_MIN, "-106751991167300d15h30m8s" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[DURATION_TEXT];

		duration_format(cases[i].seconds, text);
		ck_assert_str_eq(text, cases[i].text);
	}
}
END_TEST

START_TEST(test_size_parse)
{
	static const struct {
		const char *name;
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{ "bytes", "512B", 512 },
		{ "KiB", "4K", 4096 },
		{ "MiB", "64M", (uint64_t)64 << 20 },
		{ "GiB and MiB", "1G512M", (uint64_t)1536 << 20 },
		{ "TiB", "2T", (uint64_t)2 << 40 },
		{ "nothing", "0B", 0 },
		{ "the largest", "18446744073709551615B", UINT64_MAX },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err;
		uint64_t bytes = 1;

		ck_assert_msg(size_parse(cases[i].text, &bytes, &err) == 0,
		    "%s: refused", cases[i].name);
		ck_assert_msg(bytes == cases[i].bytes, "%s: %" PRIu64,
		    cases[i].name, bytes);
	}
}
END_TEST

START_TEST(test_size_refused)
{
	static const struct {
		const char *name;
		const char *text;
	} cases[] = {
		{ "empty", "" },
		{ "no unit", "64" },
		{ "small letter", "64m" },
		{ "two letters", "64MB" },
		{ "unit twice", "1M1M" },
		{ "rising units", "1K1M" },
		{ "negative", "-1B" },
		{ "too large", "18446744073709551616B" },
		{ "product too large", "16777216T" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { "" };
		uint64_t bytes = 1;

		ck_assert_msg(size_parse(cases[i].text, &bytes, &err) == -1,
		    "%s: accepted", cases[i].name);
		ck_assert_msg(bytes == 1, "%s: result written", cases[i].name);
		ck_assert_msg(err.text[0] != '\0', "%s: not explained",
		    cases[i].name);
	}
}
END_TEST

START_TEST(test_size_format)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0B" },
		{ 512, "512B" },
		{ 1025, "1025B" },
		{ 4096, "4K" },
		{ (uint64_t)1536 << 10, "1536K" },
		{ (uint64_t)64 << 20, "64M" },
		{ (uint64_t)1 << 40, "1T" },
		{ UINT64_MAX, "18446744073709551615B" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[SIZE_TEXT];

		size_format(cases[i].bytes, text);
		ck_assert_str_eq(text, cases[i].text);
	}
}
END_TEST

Suite *
duration_suite(void)
{
	Suite *suite = suite_create("duration");
	TCase *tcase = tcase_create("duration");

	tcase_add_test(tcase, test_duration_parse);
	tcase_add_test(tcase, test_duration_refused);
	tcase_add_test(tcase, test_duration_error_says_what_is_accepted);
	tcase_add_test(tcase, test_duration_format);
	tcase_add_test(tcase, test_size_parse);
	tcase_add_test(tcase, test_size_refused);
	tcase_add_test(tcase, test_size_format);
	suite_add_tcase(suite, tcase);
	return suite;
}
