/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "metrics.h"

#include <check.h>
#include <string.h>

#include "descriptors.h"
#include "suites.h"

/* What comes before the actions and the reasons, in its order. */
static const char *const names[] = {
	"connections",
	"connections-accepted",
	"connections-displaced",
	"connections-idle",
	"requests-malformed",
	"lookups-given-up",
	"commits-failed",
	"rows-expired",
	"dropped-log-lines",
};

#define NAMES (sizeof(names) / sizeof(names[0]))

/* Each counter has a value of its own. */
static const struct metrics different = {
	.connections_open = 1000,
	.connections_accepted = 1001,
	.connections_displaced = 1002,
	.connections_idle = 1003,
	.requests_malformed = 1004,
	.lookups_given_up = 1005,
	.commits_failed = 1006,
	.rows_expired = 1007,
	.log_lines_dropped = 1008,
};

static void
expect(struct buf *line, const char *name, unsigned value)
{
	buf_printf(line, "%s%s=%u", line->len > 0 ? " " : "", name, value);
}

static void
assert_same(const struct buf *written, const struct buf *wanted)
{
	ck_assert(!written->full && !wanted->full);
	ck_assert_uint_eq(written->len, wanted->len);
	ck_assert_msg(memcmp(written->data, wanted->data, wanted->len) == 0,
	    "%.*s", (int)written->len, written->data);
}

START_TEST(every_counter_is_written_with_its_name)
{
	struct metrics metrics = different;
	char memory[2][4096];
	struct buf written;
	struct buf wanted;

	buf_init(&written, memory[0], sizeof(memory[0]));
	buf_init(&wanted, memory[1], sizeof(memory[1]));
	for (unsigned i = 0; i < NAMES; i++)
		expect(&wanted, names[i], 1000 + i);
	for (enum action i = 0; i < ACTIONS; i++) {
		metrics.actions[i] = 2000 + i;
		expect(&wanted, action_word(i), 2000 + i);
	}
	for (enum reason i = 0; i < REASONS; i++) {
		metrics.reasons[i] = 3000 + i;
		expect(&wanted, reason_word(i), 3000 + i);
	}
	metrics_write(&metrics, &written);
	assert_same(&written, &wanted);
}
END_TEST

/* A new counter of the struct has a row in the table, too. */
START_TEST(no_counter_is_forgotten)
{
	ck_assert_uint_eq(sizeof(struct metrics),
	    (NAMES + ACTIONS + REASONS) * sizeof(uint64_t));
}
END_TEST

START_TEST(large_counters_are_decimal)
{
	const struct metrics metrics = {
		.connections_open = (uint64_t)UINT32_MAX + 1,
		.connections_accepted = INT64_MAX,
	};
	static const char wanted[] = "statistics: connections=4294967296 "
				     "connections-accepted="
				     "9223372036854775807 ";
	char memory[4096];
	struct buf out;

	buf_init(&out, memory, sizeof(memory));
	buf_puts(&out, "statistics:");
	metrics_write(&metrics, &out);
	ck_assert(memcmp(memory, wanted, sizeof(wanted) - 1) == 0);
}
END_TEST

Suite *
metrics_suite(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tests = tcase_create("metrics");

	tcase_add_checked_fixture(tests, descriptors_count, descriptors_check);
	tcase_add_test(tests, every_counter_is_written_with_its_name);
	tcase_add_test(tests, no_counter_is_forgotten);
	tcase_add_test(tests, large_counters_are_decimal);
	suite_add_tcase(suite, tests);
	return suite;
}
