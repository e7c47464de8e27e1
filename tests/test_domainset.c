/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "domainset.h"

#include <check.h>
#include <string.h>

#include "suites.h"

static const struct {
	const char *domain;
	bool is_in;
} members[] = {
	{ "example.com", true },
	{ "sub.example.com", false },
	{ "example.co", false },
	{ "example.comm", false },
	{ "example.org", false },
	{ "mail.example.org", true },
	{ "a.b.example.org", true },
	{ ".example.org", false },
	{ "xexample.org", false },
	{ "m\xc3\xbcller.example", true },
	{ "", false },
	{ "[127.0.0.1]", false },
};

START_TEST(a_domain_is_in_the_set)
{
	struct domainset *set = domainset_create();
	const char *domain = members[_i].domain;

	domainset_add(set, "Example.COM.");
	domainset_add(set, ".example.org");
	domainset_add(set, "example.com");
	domainset_add(set, "m\xc3\xbcller.example");
	ck_assert_msg(domainset_contains(set, domain, strlen(domain)) ==
			  members[_i].is_in,
	    "%s", domain);
	domainset_destroy(set);
}
END_TEST

START_TEST(nothing_is_in_an_empty_set)
{
	struct domainset *set = domainset_create();
	char domain[300];

	memset(domain, 'a', sizeof(domain));
	ck_assert(!domainset_contains(set, "example.com", 11));
	ck_assert(!domainset_contains(set, domain, sizeof(domain)));
	domainset_destroy(set);
	domainset_destroy(NULL);
}
END_TEST

static const struct {
	const char *domain;
	bool is_good;
} texts[] = {
	{ "example.com", true },
	{ ".example.com", true },
	{ "localhost", true },
	{ "m\xc3\xbcller.example", true },
	{ "", false },
	{ ".", false },
	{ "@example.com", false },
	{ "ann@example.com", false },
	{ "example com", false },
	{ "example..com", false },
	{ "example.com\t", false },
	{ "example\x7f.com", false },
};

START_TEST(what_is_no_domain_is_refused)
{
	struct err err = { "" };
	const bool good = domainset_check(texts[_i].domain, &err) == 0;

	ck_assert_msg(good == texts[_i].is_good, "%s", texts[_i].domain);
	ck_assert(good == (err.text[0] == '\0'));
}
END_TEST

Suite *
domainset_suite(void)
{
	Suite *suite = suite_create("domainset");
	TCase *tests = tcase_create("domainset");

	tcase_add_loop_test(tests, a_domain_is_in_the_set, 0,
	    (int)(sizeof(members) / sizeof(members[0])));
	tcase_add_test(tests, nothing_is_in_an_empty_set);
	tcase_add_loop_test(tests, what_is_no_domain_is_refused, 0,
	    (int)(sizeof(texts) / sizeof(texts[0])));
	suite_add_tcase(suite, tests);
	return suite;
}
