/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_dn.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "descriptors.h"
#include "suites.h"

static const struct spelling {
	const char *one;
	const char *other;
	bool same;
} spellings[] = {
	{ "CN=Ann,DC=example,DC=com", "cn=ann,dc=EXAMPLE,dc=com", true },
	{ "CN=Ann,DC=example", "CN=Ann, DC=example", true },
	{ "CN=Doe\\, Ann,DC=example", "CN=Doe\\2C Ann,DC=example", true },
	{ "CN=Ann,DC=example", "CN=Ann\\,DC=example", false },
	{ "CN=Ann,DC=example", "CN=Ann,OU=x,DC=example", false },
	{ "no name", "No Name", true },
};

START_TEST(names_are_compared_by_their_meaning)
{
	char *one = ldap_dn_normal(spellings[_i].one);
	char *other = ldap_dn_normal(spellings[_i].other);

	ck_assert_int_eq(strcmp(one, other) == 0, spellings[_i].same);
	free(one);
	free(other);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *
ldap_dn_suite(void)
{
	Suite *suite = suite_create("ldap_dn");
	TCase *tcase = tcase_create("ldap_dn");

	tcase_add_checked_fixture(tcase, descriptors_count, descriptors_check);
	tcase_add_loop_test(tcase, names_are_compared_by_their_meaning, 0,
	    COUNT(spellings));
	suite_add_tcase(suite, tcase);
	return suite;
}
