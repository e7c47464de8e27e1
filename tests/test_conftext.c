/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "conftext.h"
#include "suites.h"
#include "xalloc.h"

START_TEST(test_comments_become_spaces)
{
	static const struct {
		const char *name;
		const char *text;
		const char *prepared;
	} cases[] = {
		{ "nothing", "", "" },
		{ "a #", "a = 1 # b\nc = 2", "a = 1    \nc = 2" },
		{ "two slashes", "a = 1 // b\nc", "a = 1     \nc" },
		{ "a # at the end", "a#", "a " },
		{ "slash and star", "a/b /* c\nd */ e", "a/b     \n     e" },
		{ "a comment in a comment", "# /* a\nb // */ c\n",
		    "      \nb        \n" },
		{ "slashes in a word", "http://a", "http://a" },
		{ "a path", "/etc/a", "/etc/a" },
		{ "a # in double quotes", "a = \"# \\\" #\" #",
		    "a = \"# \\\" #\"  " },
		{ "a # in single quotes", "a = '# \\' \" #' #",
		    "a = '# \\' \" #'  " },
		{ "a quote in a comment", "# it's\na = \"#\"",
		    "      \na = \"#\"" },
		{ "braces in quotes", "a = \"{\" '{'", "a = \"{\" '{'" },
		{ "closed braces", "a { b = { c } }", "a { b = { c } }" },
		{ "adding to a list", "a += { b }", "a += { b }" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = xstrdup(cases[i].text);
		struct err err = { "" };

		ck_assert_msg(conftext_prepare("f", text, &err) == 0, "%s: %s",
		    cases[i].name, err.text);
		ck_assert_msg(strcmp(text, cases[i].prepared) == 0, "%s: %s",
		    cases[i].name, text);
		free(text);
	}
}
END_TEST

START_TEST(test_refused_with_its_line)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{ "a = 1\n\n/* b\n",
		    "f:3: the comment that begins here is not closed" },
		{ "# a\nb = \"c\n\n",
		    "f:2: the quotes that begin here are not closed" },
		{ "b = 'c\\'",
		    "f:1: the quotes that begin here are not closed" },
		{ "b = \"\\",
		    "f:1: the quotes that begin here are not closed" },
		{ "\na {\n b = 1\n",
		    "f:2: the { that stands here is not closed" },
		{ "a { b = { 1 }\n",
		    "f:1: the { that stands here is not closed" },
		{ "a = 1\nb = *.example.com",
		    "f:2: a value that holds + or * must stand in quotes" },
		{ "a = +",
		    "f:1: a value that holds + or * must stand in quotes" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = xstrdup(cases[i].text);
		struct err err = { "" };

		ck_assert_int_eq(conftext_prepare("f", text, &err), -1);
		ck_assert_str_eq(err.text, cases[i].error);
		free(text);
	}
}
END_TEST

START_TEST(test_read)
{
	static const struct {
		const char *path;
		/* NULL: the file is read, and empty. */
		const char *error;
	} cases[] = {
		{ "/dev/null", NULL },
		{ "/nonexistent/policyd.conf",
		    "/nonexistent/policyd.conf: cannot be read: "
		    "No such file or directory" },
		{ "/", "/: cannot be read: Is a directory" },
		{ "/dev/zero",
		    "/dev/zero: cannot be read: it holds a NUL byte" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { "" };
		char *text = conftext_read(cases[i].path, &err);

		if (cases[i].error == NULL)
			ck_assert_str_eq(text, "");
		else
			ck_assert_str_eq(err.text, cases[i].error);
		ck_assert((text == NULL) == (cases[i].error != NULL));
		free(text);
	}
}
END_TEST

Suite *
conftext_suite(void)
{
	Suite *suite = suite_create("conftext");
	TCase *tcase = tcase_create("conftext");

	tcase_add_test(tcase, test_comments_become_spaces);
	tcase_add_test(tcase, test_refused_with_its_line);
	tcase_add_test(tcase, test_read);
	suite_add_tcase(suite, tcase);
	return suite;
}
