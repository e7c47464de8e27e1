/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "err.h"

#include <check.h>
#include <string.h>

#include "descriptors.h"
#include "suites.h"

START_TEST(a_sentence_may_take_up_the_old_one)
{
	struct err err;

	err_set(&err, "the %s is full", "disk");
	err_set(&err, "cannot write: %s", err.text);
	ck_assert_str_eq(err.text, "cannot write: the disk is full");
}
END_TEST

START_TEST(a_sentence_is_bounded)
{
	struct err err;
	char text[2 * ERR_TEXT];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT - 1);
	ck_assert(strncmp(err.text, text, ERR_TEXT - 1) == 0);
}
END_TEST

START_TEST(the_last_sentence_counts)
{
	struct err err;

	err_set(&err, "a long sentence of %d bytes", 1234);
	err_set(&err, "short");
	ck_assert_str_eq(err.text, "short");
}
END_TEST

Suite *
err_suite(void)
{
	Suite *suite = suite_create("err");
	TCase *tests = tcase_create("err");

	tcase_add_checked_fixture(tests, descriptors_count, descriptors_check);
	tcase_add_test(tests, a_sentence_may_take_up_the_old_one);
	tcase_add_test(tests, a_sentence_is_bounded);
	tcase_add_test(tests, the_last_sentence_counts);
	suite_add_tcase(suite, tests);
	return suite;
}
