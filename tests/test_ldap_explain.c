/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_explain.h"

#include <check.h>
#include <ldap.h>
#include <string.h>

#include "descriptors.h"
#include "suites.h"

/* What an administrator must read for what the directory says. */
static const struct meaning {
	int result;
	const char *diagnostic;
	const char *part;
} meanings[] = {
	{ LDAP_INVALID_CREDENTIALS,
	    "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext "
	    "error, data 52e, v1db1",
	    "wrong password" },
	{ LDAP_INVALID_CREDENTIALS, "error, data 525, v1db1", "no such" },
	{ LDAP_INVALID_CREDENTIALS, "error, data 530, v1db1", "at this time" },
	{ LDAP_INVALID_CREDENTIALS, "error, data 532, v1db1",
	    "password of the account has expired" },
	{ LDAP_INVALID_CREDENTIALS, "error, data 533, v1db1", "disabled" },
	{ LDAP_INVALID_CREDENTIALS, "error, data 701, v1db1",
	    "account has expired" },
	{ LDAP_INVALID_CREDENTIALS, "error, data 773, v1db1", "must change" },
	{ LDAP_INVALID_CREDENTIALS, "error, data 775, v1db1", "locked" },
	{ LDAP_INVALID_CREDENTIALS, "80090346: LdapErr: DSID-0C0904A0",
	    "channel binding" },
	{ LDAP_INVALID_CREDENTIALS, NULL, "wrong password" },
	{ LDAP_STRONG_AUTH_REQUIRED,
	    "BindSimple: Transport encryption required",
	    "use ldaps:// or start-tls = yes" },
	{ LDAP_STRONG_AUTH_REQUIRED,
	    "SASL:[GSSAPI]: Sign or Seal are required.", "signing" },
	{ LDAP_CONFIDENTIALITY_REQUIRED, "", "start-tls = yes" },
	{ LDAP_NO_SUCH_OBJECT, "", "no such base" },
	{ LDAP_INSUFFICIENT_ACCESS, "", "lacks the right" },
	{ LDAP_BUSY, "", "too busy" },
	{ LDAP_UNAVAILABLE, "", "shutting down" },
	{ LDAP_UNWILLING_TO_PERFORM, "", "refuses" },
	{ LDAP_UNWILLING_TO_PERFORM,
	    "SASL:[GSSAPI]: Sign or Seal are not allowed if TLS is used",
	    "without start-tls" },
	{ LDAP_SERVER_DOWN, "", "cannot be reached" },
	{ LDAP_SERVER_DOWN,
	    "The certificate is NOT trusted. The certificate issuer is "
	    "unknown. ",
	    "tls-ca-file" },
	{ LDAP_SERVER_DOWN,
	    "The certificate is NOT trusted. The certificate chain uses "
	    "expired certificate. ",
	    "expired" },
	{ LDAP_SERVER_DOWN,
	    "TLS: hostname does not match CN in peer "
	    "certificate",
	    "another name" },
	{ LDAP_TIMEOUT, NULL, "in time" },
	{ LDAP_SUCCESS, NULL, "Success" },
};

START_TEST(results_are_explained)
{
	const struct meaning *meaning = &meanings[_i];
	const char *text = ldap_explain(meaning->result, meaning->diagnostic);

	ck_assert_msg(strstr(text, meaning->part) != NULL, "%d with %s: %s",
	    meaning->result,
	    meaning->diagnostic != NULL ? meaning->diagnostic : "nothing",
	    text);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *
ldap_explain_suite(void)
{
	Suite *suite = suite_create("ldap_explain");
	TCase *tcase = tcase_create("ldap_explain");

	tcase_add_checked_fixture(tcase, descriptors_count, descriptors_check);
	tcase_add_loop_test(tcase, results_are_explained, 0, COUNT(meanings));
	suite_add_tcase(suite, tcase);
	return suite;
}
