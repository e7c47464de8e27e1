/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "expiry.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "store_memory.h"
#include "suites.h"

#define NOW 1000000

static const struct greylist_policy policy = {
	.delay = 120,
	.retry_window = 3600,
	.keep = 86400,
};

static struct store *store;

static void
set_up(void)
{
	store = store_memory_create();
}

static void
tear_down(void)
{
	store_memory_destroy(store);
}

static void
insert(enum store_table table, const char *key, const char *value, size_t len)
{
	store_insert(store, table,
	    &(struct store_row){ .key = key,
		.key_len = strlen(key),
		.value = value,
		.value_len = len });
}

static void
insert_triplet(const char *key, struct triplet_record record)
{
	char bytes[RECORD_SIZE];

	insert(STORE_TRIPLET, key, bytes, triplet_record_write(&record, bytes));
}

/* Sweeps through, `rows` at a time, and returns the number of steps. */
static unsigned
sweep(unsigned rows)
{
	struct expiry expiry;
	enum expiry_status status;
	unsigned steps = 0;

	expiry_begin(&expiry);
	do {
		status = expiry_step(&expiry, store, &policy, NOW, rows);
		ck_assert_int_ne(status, EXPIRY_UNAVAILABLE);
		steps++;
	} while (status == EXPIRY_MORE);
	return steps;
}

static void
note_status(struct lookup *lookup)
{
	(void)lookup;
}

static bool
has(enum store_table table, const char *key)
{
	struct store_get get = { .lookup = { .done = note_status },
		.table = table,
		.key = key,
		.key_len = strlen(key) };

	store_get(store, &get);
	return get.status == STORE_FOUND;
}

START_TEST(what_is_over_is_forgotten)
{
	const struct client_record old = { .first = 1, .last = 1 };
	char bytes[RECORD_SIZE];

	insert_triplet("pending",
	    (struct triplet_record){ .first = NOW - 3600, .last = NOW - 3600 });
	insert_triplet("too late",
	    (struct triplet_record){ .first = NOW - 3601, .last = NOW });
	insert_triplet("known", (struct triplet_record){ .first = 1,
				    .passed = 200,
				    .last = NOW - 86400 });
	insert_triplet("not used", (struct triplet_record){ .first = 1,
				       .passed = 200,
				       .last = NOW - 86401 });
	insert(STORE_TRIPLET, "rubbish", "?", 1);
	insert(STORE_CLIENT, "old", bytes, client_record_write(&old, bytes));
	sweep(2);
	ck_assert(has(STORE_TRIPLET, "pending"));
	ck_assert(!has(STORE_TRIPLET, "too late"));
	ck_assert(has(STORE_TRIPLET, "known"));
	ck_assert(!has(STORE_TRIPLET, "not used"));
	ck_assert(!has(STORE_TRIPLET, "rubbish"));
	ck_assert(!has(STORE_CLIENT, "old"));
	ck_assert_uint_eq(store->rows[STORE_TRIPLET], 2);
}
END_TEST

START_TEST(a_step_sees_few_rows)
{
	char key[16];

	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "%d", i);
		insert_triplet(key,
		    (struct triplet_record){ .first = 1, .last = 1 });
	}
	ck_assert_uint_ge(sweep(10), 11);
	ck_assert_uint_eq(store->rows[STORE_TRIPLET], 0);
}
END_TEST

Suite *
expiry_suite(void)
{
	Suite *suite = suite_create("expiry");
	TCase *tests = tcase_create("expiry");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, what_is_over_is_forgotten);
	tcase_add_test(tests, a_step_sees_few_rows);
	suite_add_tcase(suite, tests);
	return suite;
}
