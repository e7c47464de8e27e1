/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "settings.h"
#include "suites.h"

static const char *const modes[] = { "enforce", "observe", "off", NULL };

struct target {
	struct setting_list listen;
	unsigned socket_mode;
	char *user;
	uint64_t cache_size;
	struct {
		struct setting_list networks;
	} whitelist;
	struct {
		int mode;
		int64_t delay;
		int64_t prefix;
		char *text;
		bool header;
	} greylist;
};

static int
check_user(const char *value, struct err *err)
{
	if (strcmp(value, "nobody") != 0)
		return 0;
	err_set(err, "\"%s\" owns other files; use a user of its own", value);
	return -1;
}

#define FIELD(member) .offset = offsetof(struct target, member)

static const struct setting rows[] = {
	{ .name = "listen",
	    .type = SETTING_LIST,
	    FIELD(listen),
	    .fallback = "{ \"unix:/run/p\", \"inet:127.0.0.1:1\" }",
	    .help = "where Postfix connects to" },
	{ .name = "socket-mode",
	    .type = SETTING_MODE,
	    FIELD(socket_mode),
	    .fallback = "0666",
	    .help = "rights" },
	{ .name = "user",
	    .type = SETTING_TEXT,
	    FIELD(user),
	    .fallback = "policyd",
	    .check = check_user,
	    .help = "who" },
	{ .name = "cache-size",
	    .type = SETTING_SIZE,
	    FIELD(cache_size),
	    .fallback = "64M",
	    .min = 1 << 20,
	    .max = 1 << 30,
	    .help = "memory" },
	{ .section = "whitelist",
	    .name = "networks",
	    .type = SETTING_LIST,
	    FIELD(whitelist.networks),
	    .fallback = "{ \"::1\" }",
	    .help = "never greylisted" },
	{ .section = "greylist",
	    .name = "mode",
	    .type = SETTING_WORD,
	    FIELD(greylist.mode),
	    .fallback = "observe",
	    .words = modes,
	    .help = "what is done" },
	{ .section = "greylist",
	    .name = "delay",
	    .type = SETTING_DURATION,
	    FIELD(greylist.delay),
	    .fallback = "2m",
	    .min = 1,
	    .max = 86400,
	    .help = "how long" },
	{ .section = "greylist",
	    .name = "prefix",
	    .type = SETTING_COUNT,
	    FIELD(greylist.prefix),
	    .fallback = "24",
	    .min = 1,
	    .max = 32,
	    .help = "bits" },
	{ .section = "greylist",
	    .name = "text",
	    .type = SETTING_TEXT,
	    FIELD(greylist.text),
	    .fallback = "\"Try\" ${again} in %d\\seconds",
	    .help = "what" },
	{ .section = "greylist",
	    .name = "header",
	    .type = SETTING_YES_NO,
	    FIELD(greylist.header),
	    .fallback = "yes",
	    .help = "whether" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void
parse(const char *text, struct target *target)
{
	struct err err = { "" };

	*target = (struct target){ 0 };
	ck_assert_msg(settings_parse(rows, ROWS, "f", text, target, &err) == 0,
	    "%s", err.text);
}

static void
assert_list(const struct setting_list *list, const char *joined)
{
	char text[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < list->count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s|",
		    list->item[i]);
	ck_assert_str_eq(text, joined);
}

static void
assert_defaults(const struct target *target)
{
	assert_list(&target->listen, "unix:/run/p|inet:127.0.0.1:1|");
	ck_assert_uint_eq(target->socket_mode, 0666);
	ck_assert_str_eq(target->user, "policyd");
	ck_assert_uint_eq(target->cache_size, 64 << 20);
	assert_list(&target->whitelist.networks, "::1|");
	ck_assert_int_eq(target->greylist.mode, 1);
	ck_assert_int_eq(target->greylist.delay, 120);
	ck_assert_int_eq(target->greylist.prefix, 24);
	ck_assert_str_eq(target->greylist.text,
	    "\"Try\" ${again} in %d\\seconds");
	ck_assert(target->greylist.header);
}

START_TEST(test_defaults)
{
	static const char *const texts[] = { "", "\n", "# nothing\n",
		"/* nothing */", "greylist { }\nwhitelist {\n}\n" };
	struct target target = { 0 };
	struct err err = { "" };

	ck_assert_int_eq(settings_defaults(rows, ROWS, &target, &err), 0);
	assert_defaults(&target);
	settings_free(rows, ROWS, &target);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		parse(texts[i], &target);
		assert_defaults(&target);
		settings_free(rows, ROWS, &target);
	}
}
END_TEST

START_TEST(test_all_keys)
{
	struct target target;

	parse("# comment\r\n"
	      "listen = { 'unix:/a b', inet:[::1]:10040, }\r\n"
	      "socket-mode = 0600 user = \"\"\r\n"
	      "cache-size =\n1M512K // comment\n"
	      "whitelist { networks = \"10.0.0.0/8\" }\n"
	      "greylist {\n"
	      "    mode = off  delay = 1h30m\n"
	      "    prefix = 32 /* comment */ text = \"a \\\"b\\\" # %d\"\n"
	      "}\n"
	      "greylist { header = no }\n",
	    &target);
	assert_list(&target.listen, "unix:/a b|inet:[::1]:10040|");
	ck_assert_uint_eq(target.socket_mode, 0600);
	ck_assert_str_eq(target.user, "");
	ck_assert_uint_eq(target.cache_size, 3 << 19);
	assert_list(&target.whitelist.networks, "10.0.0.0/8|");
	ck_assert_int_eq(target.greylist.mode, 2);
	ck_assert_int_eq(target.greylist.delay, 5400);
	ck_assert_int_eq(target.greylist.prefix, 32);
	ck_assert_str_eq(target.greylist.text, "a \"b\" # %d");
	ck_assert(!target.greylist.header);
	settings_free(rows, ROWS, &target);
}
END_TEST

START_TEST(test_lists)
{
	static const struct {
		const char *name;
		const char *text;
		const char *networks;
	} cases[] = {
		{ "default", "", "::1|" },
		{ "replaced", "whitelist { networks = { a, b } }", "a|b|" },
		{ "emptied", "whitelist { networks = { } }", "" },
		{ "added to", "whitelist { networks += { a, b } }",
		    "::1|a|b|" },
		{ "added to twice",
		    "whitelist { networks += { a } networks += b }",
		    "::1|a|b|" },
		{ "replaced, then added to",
		    "whitelist { networks = { a } networks += b }", "a|b|" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target target;

		parse(cases[i].text, &target);
		assert_list(&target.whitelist.networks, cases[i].networks);
		settings_free(rows, ROWS, &target);
	}
}
END_TEST

START_TEST(test_the_environment_is_inserted)
{
	struct target target;

	ck_assert_int_eq(setenv("POLICYD_TEST", "ann", 1), 0);
	parse("user = \"${POLICYD_TEST}-x\"", &target);
	unsetenv("POLICYD_TEST");
	ck_assert_str_eq(target.user, "ann-x");
	settings_free(rows, ROWS, &target);
}
END_TEST

START_TEST(test_refused_with_file_and_line)
{
	static const struct {
		const char *name;
		const char *text;
		const char *error;
	} cases[] = {
		{ "unknown key", "# a\n\nusr = x\n",
		    "f:3: no such option 'usr'; accepted: listen, "
		    "socket-mode, user, cache-size, whitelist, greylist" },
		{ "unknown key in a section",
		    "// a\ngreylist {\n# b\n\tdealy = 2m\n}\n",
		    "f:4: no such option 'dealy'; accepted: mode, delay, "
		    "prefix, text, header" },
		{ "unknown section", "\ngreylst {\n}\n",
		    "f:2: no such option 'greylst'; accepted: listen, "
		    "socket-mode, user, cache-size, whitelist, greylist" },
		{ "key in the wrong section", "whitelist { delay = 2m }",
		    "f:1: no such option 'delay'; accepted: networks" },
		{ "number without unit",
		    "/* a\n b */\ngreylist {\n delay = 120\n}\n",
		    "f:4: delay: \"120\" is not a duration, the unit is "
		    "missing; write it like 90s, 2m or 2d12h, with the units "
		    "w, d, h, m and s; accepted: 1s to 1d" },
		{ "out of bounds", "greylist { prefix = 33 }",
		    "f:1: prefix: \"33\" is out of bounds; accepted: 1 to "
		    "32" },
		{ "unknown word", "greylist {\n mode = on }",
		    "f:2: mode: \"on\" is not known; accepted: enforce, "
		    "observe or off" },
		{ "refused by the row's check", "\n\n\nuser = nobody",
		    "f:4: user: \"nobody\" owns other files; use a user of "
		    "its own" },
		{ "key twice", "user = a\n# b\nuser = a\n",
		    "f:3: user is given twice, first on line 1" },
		{ "key twice in two sections",
		    "greylist { delay = 2m }\ngreylist {\n delay = 3m\n}",
		    "f:3: delay is given twice, first on line 1" },
		{ "list twice", "listen = { a, b }\nlisten = { c }\n",
		    "f:2: listen is given twice, first on line 1" },
		{ "list, then an empty one", "listen = { a }\nlisten = { }",
		    "f:2: listen is given twice, first on line 1" },
		{ "two values", "user = a b\n",
		    "f:1: no such option 'b'; accepted: listen, "
		    "socket-mode, user, cache-size, whitelist, greylist" },
		{ "no equal sign", "user a\n",
		    "f:1: missing equal sign after option 'user'" },
		{ "no value", "user =\n", "f:2: premature end of file" },
		{ "list for one value", "user = { a }",
		    "f:1: unexpected token '{'" },
		{ "adding to one value", "user += a",
		    "f:1: attempt to append to non-list option 'user'" },
		{ "equal sign before a section", "greylist = { }",
		    "f:1: missing opening brace for section 'greylist'" },
		{ "section with a title", "greylist a { }",
		    "f:1: missing opening brace for section 'greylist'" },
		{ "closed too often", "greylist { } }",
		    "f:1: unexpected closing brace" },
		{ "not closed", "\ngreylist {\n delay = 2m\n",
		    "f:2: the { that stands here is not closed" },
		{ "include", "include(\"/etc/passwd\")",
		    "f:1: no such option 'include'; accepted: listen, "
		    "socket-mode, user, cache-size, whitelist, greylist" },
		{ "line end in a value", "\nuser = \"a\nb\"",
		    "f:3: user: the value holds a line end or another "
		    "control character" },
	};
	static const struct target zero;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target target = { 0 };
		struct err err = { "" };

		ck_assert_msg(settings_parse(rows, ROWS, "f", cases[i].text,
				  &target, &err) == -1,
		    "%s: accepted", cases[i].name);
		ck_assert_msg(strcmp(err.text, cases[i].error) == 0, "%s: %s",
		    cases[i].name, err.text);
		ck_assert_msg(memcmp(&target, &zero, sizeof(zero)) == 0,
		    "%s: result written", cases[i].name);
	}
}
END_TEST

START_TEST(test_files_that_cannot_be_read)
{
	struct target target = { 0 };
	struct err err = { "" };

	ck_assert_int_eq(settings_read(rows, ROWS, "/", &target, &err), -1);
	ck_assert_str_eq(err.text, "/: cannot be read: Is a directory");
	ck_assert_int_eq(settings_read(rows, ROWS, "/dev/null", &target, &err),
	    0);
	assert_defaults(&target);
	settings_free(rows, ROWS, &target);
}
END_TEST

START_TEST(test_the_sample_file_holds_the_defaults)
{
	struct target target;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	settings_print(rows, ROWS, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text,
	    "}\n\ngreylist {\n    # what is done (enforce, observe or off)\n"
	    "    mode = observe\n\n    # how long (1s to 1d)\n"
	    "    delay = 2m\n\n"));
	parse(text, &target);
	assert_defaults(&target);
	settings_free(rows, ROWS, &target);
	free(text);
}
END_TEST

START_TEST(test_free_leaves_zeroes)
{
	static const struct target zero;
	struct target target;

	parse("", &target);
	settings_free(rows, ROWS, &target);
	ck_assert(target.listen.item == NULL && target.user == NULL);
	ck_assert_uint_eq(target.cache_size, 0);
	target = zero;
	settings_free(rows, ROWS, &target);
}
END_TEST

Suite *
settings_suite(void)
{
	Suite *suite = suite_create("settings");
	TCase *tcase = tcase_create("settings");

	tcase_add_test(tcase, test_defaults);
	tcase_add_test(tcase, test_all_keys);
	tcase_add_test(tcase, test_lists);
	tcase_add_test(tcase, test_the_environment_is_inserted);
	tcase_add_test(tcase, test_refused_with_file_and_line);
	tcase_add_test(tcase, test_files_that_cannot_be_read);
	tcase_add_test(tcase, test_the_sample_file_holds_the_defaults);
	tcase_add_test(tcase, test_free_leaves_zeroes);
	suite_add_tcase(suite, tcase);
	return suite;
}
