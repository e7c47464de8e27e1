/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "setting.h"
#include "suites.h"

static const char *const colours[] = { "red", "green", "blue", NULL };

static int
check_path(const char *value, struct err *err)
{
	if (*value == '/')
		return 0;
	err_set(err, "\"%s\" is not an absolute path", value);
	return -1;
}

/* One row of each type, to be found by it. */
static const struct setting rows[] = {
	[SETTING_DURATION] = { .name = "delay",
	    .type = SETTING_DURATION,
	    .min = 1,
	    .max = 86400,
	    .fallback = "2m",
	    .help = "how long" },
	[SETTING_SIZE] = { .name = "cache",
	    .type = SETTING_SIZE,
	    .min = 1048576,
	    .max = INT64_MAX,
	    .fallback = "64M",
	    .help = "how much" },
	[SETTING_COUNT] = { .name = "prefix",
	    .type = SETTING_COUNT,
	    .min = 0,
	    .max = 32,
	    .fallback = "24",
	    .help = "how many" },
	[SETTING_YES_NO] = { .name = "header",
	    .type = SETTING_YES_NO,
	    .fallback = "yes",
	    .help = "whether" },
	[SETTING_WORD] = { .name = "colour",
	    .type = SETTING_WORD,
	    .words = colours,
	    .fallback = "red",
	    .help = "which" },
	[SETTING_TEXT] = { .name = "path",
	    .type = SETTING_TEXT,
	    .check = check_path,
	    .fallback = "/a \"\\$b",
	    .help = "where" },
	[SETTING_LIST] = { .name = "paths",
	    .type = SETTING_LIST,
	    .check = check_path,
	    .fallback = "{ \"/a\", \"/b\" }",
	    .help = "where all" },
	[SETTING_MODE] = { .name = "mode",
	    .type = SETTING_MODE,
	    .fallback = "0640",
	    .help = "what rights" },
};

START_TEST(test_numbers)
{
	static const struct {
		enum setting_type type;
		const char *text;
		int64_t number;
	} cases[] = {
		{ SETTING_DURATION, "1s", 1 },
		{ SETTING_DURATION, "1d", 86400 },
		{ SETTING_SIZE, "1M", 1048576 },
		{ SETTING_COUNT, "0", 0 },
		{ SETTING_COUNT, "32", 32 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		union setting_value value = SETTING_NO_VALUE;
		struct err err;

		ck_assert(setting_parse(&rows[cases[i].type], cases[i].text,
			      &value, &err) == 0);
		ck_assert_int_eq(value.number, cases[i].number);
	}
}
END_TEST

START_TEST(test_choices_and_modes)
{
	union setting_value value = SETTING_NO_VALUE;
	struct err err;

	ck_assert(!setting_parse(&rows[SETTING_YES_NO], "yes", &value, &err));
	ck_assert(value.yes);
	ck_assert(!setting_parse(&rows[SETTING_YES_NO], "no", &value, &err));
	ck_assert(!value.yes);
	ck_assert(!setting_parse(&rows[SETTING_WORD], "blue", &value, &err));
	ck_assert_int_eq(value.word, 2);
	ck_assert(!setting_parse(&rows[SETTING_MODE], "0666", &value, &err));
	ck_assert_uint_eq(value.mode, 0666);
	ck_assert(!setting_parse(&rows[SETTING_MODE], "000", &value, &err));
	ck_assert_uint_eq(value.mode, 0);
}
END_TEST

START_TEST(test_texts_and_lists)
{
	union setting_value text = SETTING_NO_VALUE;
	union setting_value list = SETTING_NO_VALUE;
	struct err err;

	ck_assert(!setting_parse(&rows[SETTING_TEXT], "/a b", &text, &err));
	ck_assert_str_eq(text.text, "/a b");
	setting_clear(&rows[SETTING_TEXT], &text);
	ck_assert_ptr_null(text.text);

	ck_assert(!setting_parse(&rows[SETTING_LIST], "/a", &list, &err));
	ck_assert(!setting_parse(&rows[SETTING_LIST], "/b", &list, &err));
	ck_assert(setting_parse(&rows[SETTING_LIST], "c", &list, &err) == -1);
	ck_assert_uint_eq(list.list.count, 2);
	ck_assert_str_eq(list.list.item[0], "/a");
	ck_assert_str_eq(list.list.item[1], "/b");
	setting_clear(&rows[SETTING_LIST], &list);
	ck_assert_uint_eq(list.list.count, 0);
}
END_TEST

START_TEST(test_refused_and_why)
{
	static const struct {
		enum setting_type type;
		const char *text;
		const char *error;
	} cases[] = {
		{ SETTING_DURATION, "120",
		    "\"120\" is not a duration, the unit is missing; write it "
		    "like 90s, 2m or 2d12h, with the units w, d, h, m and s; "
		    "accepted: 1s to 1d" },
		{ SETTING_DURATION, "0s",
		    "\"0s\" is out of bounds; accepted: 1s to 1d" },
		{ SETTING_DURATION, "86401s",
		    "\"86401s\" is out of bounds; accepted: 1s to 1d" },
		{ SETTING_SIZE, "1K",
		    "\"1K\" is out of bounds; accepted: 1M to "
		    "9223372036854775807B" },
		{ SETTING_COUNT, "",
		    "\"\" is not a number; "
		    "accepted: 0 to 32" },
		{ SETTING_COUNT, "-1",
		    "\"-1\" is not a number; accepted: 0 to 32" },
		{ SETTING_COUNT, "24x",
		    "\"24x\" is not a number; accepted: 0 to 32" },
		{ SETTING_COUNT, "33",
		    "\"33\" is out of bounds; accepted: 0 to 32" },
		{ SETTING_COUNT, "99999999999999999999",
		    "\"99999999999999999999\" is out of bounds; "
		    "accepted: 0 to 32" },
		{ SETTING_YES_NO, "true",
		    "\"true\" is not known; accepted: no or yes" },
		{ SETTING_WORD, "Red",
		    "\"Red\" is not known; accepted: red, green or blue" },
		{ SETTING_TEXT, "a", "\"a\" is not an absolute path" },
		{ SETTING_TEXT, "/a\nb",
		    "the value holds a line end or another control "
		    "character" },
		{ SETTING_LIST, "a", "\"a\" is not an absolute path" },
		{ SETTING_MODE, "0888",
		    "\"0888\" is not a file's mode; accepted: octal, 0000 to "
		    "0777" },
		{ SETTING_MODE, "66",
		    "\"66\" is not a file's mode; accepted: octal, 0000 to "
		    "0777" },
		{ SETTING_MODE, "2666",
		    "\"2666\" is not a file's mode; accepted: octal, 0000 to "
		    "0777" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		union setting_value value = SETTING_NO_VALUE;
		struct err err = { "" };

		ck_assert(setting_parse(&rows[cases[i].type], cases[i].text,
			      &value, &err) == -1);
		ck_assert_str_eq(err.text, cases[i].error);
	}
}
END_TEST

START_TEST(test_stored_and_taken)
{
	struct {
		int before;
		char *path;
		int after;
	} target = { .before = 1, .after = 2 };
	struct setting row = rows[SETTING_TEXT];
	union setting_value value = SETTING_NO_VALUE;
	struct err err;

	row.offset = (size_t)((char *)&target.path - (char *)&target);
	ck_assert_int_eq(setting_parse(&row, "/a", &value, &err), 0);
	setting_store(&row, &value, &target);
	ck_assert_ptr_null(value.text);
	ck_assert_str_eq(target.path, "/a");
	setting_take(&row, &target, &value);
	ck_assert_ptr_null(target.path);
	ck_assert_str_eq(value.text, "/a");
	setting_clear(&row, &value);
	ck_assert_int_eq(target.before, 1);
	ck_assert_int_eq(target.after, 2);
}
END_TEST

static char *
printed(const struct setting *row)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	setting_print(row, "\t", out);
	fclose(out);
	return text;
}

START_TEST(test_print)
{
	static const char *const expected[] = {
		[SETTING_DURATION] = "\t# how long (1s to 1d)\n"
				     "\tdelay = 2m\n",
		[SETTING_SIZE] = "\t# how much (1M to 9223372036854775807B)\n"
				 "\tcache = 64M\n",
		[SETTING_COUNT] = "\t# how many (0 to 32)\n"
				  "\tprefix = 24\n",
		[SETTING_YES_NO] = "\t# whether (no or yes)\n"
				   "\theader = yes\n",
		[SETTING_WORD] = "\t# which (red, green or blue)\n"
				 "\tcolour = red\n",
		[SETTING_TEXT] = "\t# where\n"
				 "\tpath = \"/a \\\"\\\\\\$b\"\n",
		[SETTING_LIST] = "\t# where all\n"
				 "\tpaths = { \"/a\", \"/b\" }\n",
		[SETTING_MODE] = "\t# what rights (octal, 0000 to 0777)\n"
				 "\tmode = \"0640\"\n",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = printed(&rows[i]);

		ck_assert_str_eq(text, expected[i]);
		free(text);
	}
}
END_TEST

START_TEST(test_long_help_is_wrapped)
{
	static const struct setting row = { .name = "user",
		.type = SETTING_TEXT,
		.fallback = "",
		.help = "started as root, the daemon becomes this user and "
			"never again what it has been before" };
	char *text = printed(&row);

	ck_assert_str_eq(text,
	    "\t# started as root, the daemon becomes this user and never "
	    "again what it has\n"
	    "\t# been before\n"
	    "\tuser = \"\"\n");
	free(text);
}
END_TEST

Suite *
setting_suite(void)
{
	Suite *suite = suite_create("setting");
	TCase *tcase = tcase_create("setting");

	tcase_add_test(tcase, test_numbers);
	tcase_add_test(tcase, test_choices_and_modes);
	tcase_add_test(tcase, test_texts_and_lists);
	tcase_add_test(tcase, test_refused_and_why);
	tcase_add_test(tcase, test_stored_and_taken);
	tcase_add_test(tcase, test_print);
	tcase_add_test(tcase, test_long_help_is_wrapped);
	suite_add_tcase(suite, tcase);
	return suite;
}
