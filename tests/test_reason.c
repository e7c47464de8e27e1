/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "reason.h"

#include <check.h>
#include <string.h>

#include "descriptors.h"
#include "suites.h"

START_TEST(each_reason_has_a_word_of_its_own)
{
	for (enum reason i = 0; i < REASONS; i++) {
		const char *word = reason_word(i);

		ck_assert_ptr_nonnull(word);
		ck_assert_uint_eq(strspn(word, "abcdefghijklmnopqrstuvwxyz-"),
		    strlen(word));
		ck_assert_uint_gt(strlen(reason_help(i)), 10);
		for (enum reason other = 0; other < i; other++)
			ck_assert_str_ne(word, reason_word(other));
	}
}
END_TEST

/* What people search their logs for: a word stays when an enum moves. */
static const struct {
	enum reason reason;
	const char *word;
} words[] = {
	{ REASON_NOT_CHECKED, "not-checked" },
	{ REASON_NOT_RCPT, "not-rcpt" },
	{ REASON_VRFY, "vrfy" },
	{ REASON_AUTHENTICATED, "authenticated" },
	{ REASON_TLS_CLIENT, "tls-client" },
	{ REASON_WHITELISTED_NETWORK, "whitelisted-network" },
	{ REASON_MODE_OFF, "mode-off" },
	{ REASON_GREYLISTED_NEW, "greylisted-new" },
	{ REASON_GREYLISTED_EARLY, "greylisted-early" },
	{ REASON_GREYLISTED_LATE, "greylisted-late" },
	{ REASON_PASSED, "passed" },
	{ REASON_KNOWN, "known" },
	{ REASON_AUTO_WHITELISTED, "auto-whitelisted" },
	{ REASON_STORE_UNAVAILABLE, "store-unavailable" },
	{ REASON_STORE_FULL, "store-full" },
};

START_TEST(each_reason_has_its_promised_word)
{
	ck_assert_str_eq(reason_word(words[_i].reason), words[_i].word);
}
END_TEST

Suite *
reason_suite(void)
{
	Suite *suite = suite_create("reason");
	TCase *tests = tcase_create("reason");

	tcase_add_checked_fixture(tests, descriptors_count, descriptors_check);
	tcase_add_test(tests, each_reason_has_a_word_of_its_own);
	tcase_add_loop_test(tests, each_reason_has_its_promised_word, 0,
	    sizeof(words) / sizeof(words[0]));
	suite_add_tcase(suite, tests);
	return suite;
}
