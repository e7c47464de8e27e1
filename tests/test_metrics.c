/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "metrics.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "suites.h"

START_TEST(every_counter_is_written_with_its_name)
{
	struct metrics metrics = { .connections_open = 3,
		.log_lines_dropped = UINT32_MAX };
	char memory[4096] = " ";
	char wanted[64];
	struct buf out;

	metrics.reasons[REASON_KNOWN] = 42;
	metrics.actions[ACTION_DEFER] = 7;
	buf_init(&out, memory, sizeof(memory) - 1);
	metrics_write(&metrics, &out);
	ck_assert(!out.full);
	memory[out.len] = '\0';
	ck_assert_ptr_nonnull(strstr(memory, "connections=3 "));
	ck_assert_ptr_nonnull(strstr(memory, " dropped-log-lines=4294967295 "));
	ck_assert_ptr_nonnull(strstr(memory, " known=42 "));
	ck_assert_ptr_nonnull(strstr(memory, " defer=7 "));
	for (enum reason i = 0; i < REASONS; i++) {
		snprintf(wanted, sizeof(wanted), " %s=", reason_word(i));
		ck_assert_msg(strstr(memory, wanted) != NULL, "%s", wanted);
	}
}
END_TEST

Suite *
metrics_suite(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tests = tcase_create("metrics");

	tcase_add_test(tests, every_counter_is_written_with_its_name);
	suite_add_tcase(suite, tests);
	return suite;
}
