/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "reason.h"

#include <check.h>
#include <string.h>

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

Suite *
reason_suite(void)
{
	Suite *suite = suite_create("reason");
	TCase *tests = tcase_create("reason");

	tcase_add_test(tests, each_reason_has_a_word_of_its_own);
	suite_add_tcase(suite, tests);
	return suite;
}
