/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "directory_outage.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "suites.h"

static struct directory_outage outage;
static char last[2048];
static unsigned lines;

static void
keep_line(struct log_sink *sink, enum log_level level, const char *text,
    size_t len)
{
	(void)sink;
	(void)level;
	lines++;
	snprintf(last, sizeof(last), "%.*s", (int)len, text);
}

static void
set_up(void)
{
	static struct log_sink sink = { .line = keep_line };

	outage = (struct directory_outage){ 0 };
	lines = 0;
	log_to(&sink, LOG_LEVEL_INFO);
}

static void
tear_down(void)
{
	log_to(NULL, LOG_LEVEL_INFO);
}

START_TEST(tells_each_server_once)
{
	directory_outage_end(&outage, "ldap://a", 1.0);
	ck_assert_str_eq(last, "the directory server ldap://a is asked");
	directory_outage_end(&outage, "ldap://a", 1.5);
	ck_assert_uint_eq(lines, 1);
	directory_outage_end(&outage, "ldap://b", 2.0);
	ck_assert_str_eq(last, "the directory server ldap://b is asked");
	ck_assert_uint_eq(lines, 2);
}
END_TEST

START_TEST(says_nothing_of_a_moment_without_a_server)
{
	directory_outage_go_on(&outage, "not connected yet", 1.0);
	ck_assert_uint_eq(lines, 0);
	directory_outage_end(&outage, "ldap://a", 1.5);
	directory_outage_go_on(&outage, "not connected yet", 2.0);
	directory_outage_end(&outage, "ldap://a", 2.5);
	ck_assert_uint_eq(lines, 1);
}
END_TEST

START_TEST(tells_a_problem_once_and_its_end)
{
	directory_outage_end(&outage, "ldap://a", 1.0);
	for (unsigned i = 0; i < 20; i++)
		directory_outage_go_on(&outage, "refused", 10.0 + i / 2.0);
	ck_assert_uint_eq(lines, 2);
	ck_assert_str_eq(last, "no directory server is reached: refused");
	directory_outage_end(&outage, "ldap://a", 22.0);
	ck_assert_str_eq(last,
	    "the directory server ldap://a is reached, after 12 seconds "
	    "without any");
	directory_outage_end(&outage, "ldap://a", 22.5);
	ck_assert_uint_eq(lines, 3);
}
END_TEST

START_TEST(tells_a_problem_that_changes_once_a_minute)
{
	directory_outage_go_on(&outage, "a refuses", 10.0);
	directory_outage_go_on(&outage, "a refuses", 10.5);
	ck_assert_uint_eq(lines, 1);
	directory_outage_go_on(&outage, "b refuses", 11.0);
	directory_outage_go_on(&outage, "a refuses", 70.0);
	ck_assert_uint_eq(lines, 1);
	directory_outage_go_on(&outage, "b refuses", 70.5);
	ck_assert_uint_eq(lines, 2);
	ck_assert_str_eq(last, "no directory server is reached: b refuses");
	directory_outage_go_on(&outage, "b refuses", 200.0);
	ck_assert_uint_eq(lines, 2);
}
END_TEST

Suite *
directory_outage_suite(void)
{
	Suite *suite = suite_create("directory_outage");
	TCase *tests = tcase_create("directory_outage");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, tells_each_server_once);
	tcase_add_test(tests, says_nothing_of_a_moment_without_a_server);
	tcase_add_test(tests, tells_a_problem_once_and_its_end);
	tcase_add_test(tests, tells_a_problem_that_changes_once_a_minute);
	suite_add_tcase(suite, tests);
	return suite;
}
