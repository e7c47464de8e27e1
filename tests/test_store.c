/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "container.h"
#include "store_fixture.h"
#include "store_memory.h"
#include "suites.h"

/* The store that a test is about: each test runs on all of them. */
static struct store *store;
static struct disk disk;

static void
setup_memory(void)
{
	store = store_memory_create();
}

static void
teardown_memory(void)
{
	store_memory_destroy(store);
}

static void
setup_bdb(void)
{
	disk_begin(&disk);
	disk_open(&disk);
	store = disk.store;
}

static void
teardown_bdb(void)
{
	disk_end(&disk);
}

struct question {
	struct store_get get;
	unsigned answers;
};

static void
answered(struct lookup *lookup)
{
	container_of(lookup, struct question, get.lookup)->answers++;
}

/* A question that must be answered once, and at once. */
static struct store_get
ask(const char *key, size_t len)
{
	struct question question = {
		.get = {
			.lookup = { .done = answered },
			.table = STORE_CLIENT,
			.key = key,
			.key_len = len,
		},
	};

	store_get(store, &question.get);
	ck_assert_msg(question.answers == 1, "%u answers", question.answers);
	return question.get;
}

/* Collects what a scan shows, and deletes keys that end in `doomed`. */
struct reader {
	struct store_visitor visitor;
	char doomed;
	unsigned rows;
	char keys[256];
};

static bool
read_row(struct store_visitor *visitor, const struct store_row *seen)
{
	struct reader *reader = container_of(visitor, struct reader, visitor);
	const size_t len = strlen(reader->keys);

	reader->rows++;
	if (len + seen->key_len + 2 < sizeof(reader->keys)) {
		memcpy(reader->keys + len, seen->key, seen->key_len);
		memcpy(reader->keys + len + seen->key_len, " ", 2);
	}
	return reader->doomed != '\0' &&
	       seen->key[seen->key_len - 1] == reader->doomed;
}

static enum store_scan
scan(enum store_table table, struct store_cursor *cursor, unsigned rows,
    struct reader *reader)
{
	reader->visitor.is_over = read_row;
	return store_scan(store, table, cursor, rows, &reader->visitor);
}

/* The table of triplets with one row for each letter. */
static void
insert_letters(const char *letters)
{
	char key[2] = "";

	for (; *letters != '\0'; letters++) {
		key[0] = *letters;
		row_insert(store, STORE_TRIPLET, key, "value");
	}
	ck_assert(store_commit(store));
}

START_TEST(test_store_insert)
{
	char value[RECORD_SIZE + 1];

	ck_assert_int_eq(row_get(store, STORE_TRIPLET, "a", NULL),
	    STORE_MISSING);
	row_insert(store, STORE_TRIPLET, "a", "one");
	ck_assert_int_eq(row_get(store, STORE_TRIPLET, "a", value),
	    STORE_FOUND);
	ck_assert_str_eq(value, "one");
	ck_assert(store_commit(store));
	ck_assert_int_eq(row_get(store, STORE_TRIPLET, "a", value),
	    STORE_FOUND);
	ck_assert_str_eq(value, "one");
	ck_assert_int_eq(row_get(store, STORE_CLIENT, "a", NULL),
	    STORE_MISSING);
}
END_TEST

START_TEST(test_store_insert_keeps_what_is_there)
{
	char value[RECORD_SIZE + 1];

	row_insert(store, STORE_TRIPLET, "a", "one");
	row_insert(store, STORE_TRIPLET, "a", "two");
	ck_assert(store_commit(store));
	row_insert(store, STORE_TRIPLET, "a", "three");
	ck_assert(store_commit(store));
	row_get(store, STORE_TRIPLET, "a", value);
	ck_assert_str_eq(value, "one");
	ck_assert_uint_eq(store->rows[STORE_TRIPLET], 1);
}
END_TEST

START_TEST(test_store_update)
{
	char value[RECORD_SIZE + 1];

	row_insert(store, STORE_TRIPLET, "a", "one");
	row_update(store, STORE_TRIPLET, "a", "a longer one");
	row_get(store, STORE_TRIPLET, "a", value);
	ck_assert_str_eq(value, "a longer one");
	ck_assert(store_commit(store));
	row_update(store, STORE_TRIPLET, "a", "");
	ck_assert(store_commit(store));
	ck_assert_int_eq(row_get(store, STORE_TRIPLET, "a", value),
	    STORE_FOUND);
	ck_assert_str_eq(value, "");
	ck_assert_uint_eq(store->rows[STORE_TRIPLET], 1);
}
END_TEST

START_TEST(test_store_update_adds_what_has_gone)
{
	row_update(store, STORE_TRIPLET, "a", "one");
	ck_assert(store_commit(store));
	ck_assert_int_eq(row_get(store, STORE_TRIPLET, "a", NULL), STORE_FOUND);
	ck_assert_uint_eq(rows_seen(store, STORE_TRIPLET), 1);
}
END_TEST

/* A question that brings the row to be added when it is missing. */
static struct store_get
get_or_add(const char *key, const char *absent, bool likely_absent)
{
	struct question question = {
		.get = {
			.lookup = { .done = answered },
			.table = STORE_TRIPLET,
			.key = key,
			.key_len = strlen(key),
			.absent_len = strlen(absent),
			.likely_absent = likely_absent,
		},
	};

	memcpy(question.get.absent, absent, question.get.absent_len);
	store_get(store, &question.get);
	ck_assert_msg(question.answers == 1, "%u answers", question.answers);
	return question.get;
}

/* Once with every expectation: it makes no difference. */
START_TEST(test_store_get_or_add)
{
	const bool likely_absent = _i == 1;
	char value[RECORD_SIZE + 1];
	struct store_get found;

	ck_assert_int_eq(get_or_add("a", "one", likely_absent).status,
	    STORE_MISSING);
	ck_assert_uint_eq(store->rows[STORE_TRIPLET], 1);
	found = get_or_add("a", "two", likely_absent);
	ck_assert_int_eq(found.status, STORE_FOUND);
	ck_assert_uint_eq(found.value_len, 3);
	ck_assert_mem_eq(found.value, "one", 3);
	ck_assert(store_commit(store));
	found = get_or_add("a", "three", likely_absent);
	ck_assert_int_eq(found.status, STORE_FOUND);
	ck_assert_mem_eq(found.value, "one", 3);
	ck_assert_int_eq(get_or_add("b", "", likely_absent).status,
	    STORE_MISSING);
	ck_assert(store_commit(store));
	ck_assert_int_eq(row_get(store, STORE_TRIPLET, "a", value),
	    STORE_FOUND);
	ck_assert_str_eq(value, "one");
	ck_assert_uint_eq(store->rows[STORE_TRIPLET], 1);
	ck_assert_uint_eq(rows_seen(store, STORE_TRIPLET), 1);
}
END_TEST

START_TEST(test_store_keys)
{
	static char longest[STORE_KEY_MAX];
	static char largest[RECORD_SIZE];
	static const struct {
		const char *name;
		const char *key;
		size_t len;
	} cases[] = {
		{ "one byte", "a", 1 },
		{ "the same and a NUL", "a\0", 2 },
		{ "another byte behind the NUL", "a\0b", 3 },
		{ "a NUL alone", "\0", 1 },
		{ "the highest byte", "\xff", 1 },
		{ "the longest", longest, sizeof(longest) },
	};
	const size_t count = sizeof(cases) / sizeof(cases[0]);

	memset(longest, 'k', sizeof(longest));
	memset(largest, 'v', sizeof(largest));
	for (size_t i = 0; i < count; i++) {
		const struct store_row inserted = { .key = cases[i].key,
			.key_len = cases[i].len,
			.value = largest,
			.value_len = i == count - 1 ? sizeof(largest) : i };

		ck_assert_msg(ask(cases[i].key, cases[i].len).status ==
				  STORE_MISSING,
		    "%s: is there already", cases[i].name);
		store_insert(store, STORE_CLIENT, &inserted);
	}
	ck_assert(store_commit(store));
	for (size_t i = 0; i < count; i++) {
		const struct store_get get = ask(cases[i].key, cases[i].len);

		ck_assert_msg(get.status == STORE_FOUND, "%s: not found",
		    cases[i].name);
		ck_assert_msg(get.value_len ==
				  (i == count - 1 ? sizeof(largest) : i),
		    "%s: %zu bytes", cases[i].name, get.value_len);
		ck_assert_mem_eq(get.value, largest, get.value_len);
	}
	ck_assert_uint_eq(rows_seen(store, STORE_CLIENT), count);
}
END_TEST

START_TEST(test_store_scan_of_nothing)
{
	struct store_cursor cursor = { .key_len = 0 };
	struct reader reader = { .rows = 0 };

	ck_assert_int_eq(scan(STORE_TRIPLET, &cursor, 10, &reader),
	    STORE_SCAN_END);
	ck_assert_uint_eq(reader.rows, 0);
	ck_assert_uint_eq(cursor.key_len, 0);
}
END_TEST

/* A scan in steps of `rows` over "abcdefg", which deletes `doomed`. */
static const struct step_case {
	const char *name;
	unsigned rows;
	char doomed;
	/* What each step shows; NULL ends. */
	const char *steps[9];
	/* What is left. */
	const char *left;
} step_cases[] = {
	{ "all at once", 10, 0, { "a b c d e f g " }, "a b c d e f g " },
	{ "in threes", 3, 0, { "a b c ", "d e f ", "g " }, "a b c d e f g " },
	{ "one by one", 1, 0, { "a ", "b ", "c ", "d ", "e ", "f ", "g " },
	    "a b c d e f g " },
	{ "the first of all is deleted", 3, 'a', { "a b c ", "d e f ", "g " },
	    "b c d e f g " },
	{ "the last of a step is deleted", 3, 'c', { "a b c ", "d e f ", "g " },
	    "a b d e f g " },
	{ "the first of a step is deleted", 3, 'd',
	    { "a b c ", "d e f ", "g " }, "a b c e f g " },
	{ "the last of all is deleted", 3, 'g', { "a b c ", "d e f ", "g " },
	    "a b c d e f " },
};

START_TEST(test_store_scan_in_steps)
{
	const struct step_case *c = &step_cases[_i];
	struct store_cursor cursor = { .key_len = 0 };
	struct reader all = { .rows = 0 };
	enum store_scan status = STORE_SCAN_MORE;

	insert_letters("gcabfed");
	for (size_t i = 0; c->steps[i] != NULL; i++) {
		struct reader reader = { .doomed = c->doomed };

		ck_assert_msg(status == STORE_SCAN_MORE, "%s: ended early",
		    c->name);
		status = scan(STORE_TRIPLET, &cursor, c->rows, &reader);
		ck_assert_msg(strcmp(reader.keys, c->steps[i]) == 0,
		    "%s: step %zu shows %s", c->name, i, reader.keys);
	}
	ck_assert_msg(status == STORE_SCAN_END, "%s: goes on", c->name);
	ck_assert_msg(cursor.key_len == 0, "%s: not at the beginning", c->name);
	ck_assert(store_commit(store));
	scan(STORE_TRIPLET, &cursor, 10, &all);
	ck_assert_msg(strcmp(all.keys, c->left) == 0, "%s: %s is left", c->name,
	    all.keys);
	ck_assert_uint_eq(store->rows[STORE_TRIPLET], all.rows);
}
END_TEST

START_TEST(test_store_scan_while_rows_change)
{
	struct store_cursor cursor = { .key_len = 0 };
	struct store_cursor other = { .key_len = 0 };
	struct reader first = { .rows = 0 };
	struct reader deleter = { .doomed = 'e' };
	struct reader second = { .rows = 0 };

	insert_letters("bdegh");
	ck_assert_int_eq(scan(STORE_TRIPLET, &cursor, 2, &first),
	    STORE_SCAN_MORE);
	ck_assert_str_eq(first.keys, "b d ");
	/* The row at the cursor goes; one comes before it, one behind. */
	scan(STORE_TRIPLET, &other, 10, &deleter);
	insert_letters("af");
	ck_assert_int_eq(scan(STORE_TRIPLET, &cursor, 10, &second),
	    STORE_SCAN_END);
	ck_assert_str_eq(second.keys, "f g h ");
	ck_assert_uint_eq(store->rows[STORE_TRIPLET], 6);
}
END_TEST

START_TEST(test_store_deletes_everything)
{
	struct store_cursor cursor = { .key_len = 0 };
	struct reader reader = { .doomed = 'x' };
	char key[8];

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "%ux", i);
		row_insert(store, STORE_CLIENT, key, "value");
	}
	ck_assert_uint_eq(store->rows[STORE_CLIENT], 1000);
	while (scan(STORE_CLIENT, &cursor, 7, &reader) == STORE_SCAN_MORE)
		ck_assert(store_commit(store));
	ck_assert(store_commit(store));
	ck_assert_uint_eq(reader.rows, 1000);
	ck_assert_uint_eq(store->rows[STORE_CLIENT], 0);
	ck_assert_uint_eq(rows_seen(store, STORE_CLIENT), 0);
	row_insert(store, STORE_CLIENT, "7x", "again");
	ck_assert_int_eq(row_get(store, STORE_CLIENT, "7x", NULL), STORE_FOUND);
}
END_TEST

/* Reads a row of a table that has large values. */
static enum store_status
read_large(const char *key, char *text, size_t size)
{
	struct buf value;
	enum store_status status;

	buf_init(&value, text, size - 1);
	status = store_read(store, STORE_OBJECT, key, strlen(key), &value);
	text[value.len] = '\0';
	return status;
}

START_TEST(test_store_reads_large_values)
{
	static char large[STORE_VALUE_MAX];
	static char text[STORE_VALUE_MAX + 1];
	const struct store_row row = { .key = "large",
		.key_len = 5,
		.value = large,
		.value_len = sizeof(large) };

	memset(large, 'x', sizeof(large));
	ck_assert_int_eq(read_large("large", text, sizeof(text)),
	    STORE_MISSING);
	store_insert(store, STORE_OBJECT, &row);
	ck_assert_uint_eq(store->rows[STORE_OBJECT], 1);
	ck_assert_int_eq(read_large("large", text, sizeof(text)), STORE_FOUND);
	ck_assert_uint_eq(strspn(text, "x"), sizeof(large));
	/* Without room for all of it, nothing is read. */
	ck_assert_int_eq(read_large("large", text, sizeof(text) - 1),
	    STORE_UNAVAILABLE);
	ck_assert_str_eq(text, "");
	ck_assert(store_commit(store));
	ck_assert_int_eq(read_large("large", text, sizeof(text)), STORE_FOUND);
}
END_TEST

START_TEST(test_store_removes)
{
	char text[16];
	const struct store_row row = { .key = "a",
		.key_len = 1,
		.value = "1",
		.value_len = 1 };

	store_remove(store, STORE_OBJECT, "a", 1);
	ck_assert_uint_eq(store->rows[STORE_OBJECT], 0);
	store_insert(store, STORE_OBJECT, &row);
	store_insert(store, STORE_SENDER, &row);
	store_remove(store, STORE_OBJECT, "a", 1);
	ck_assert_uint_eq(store->rows[STORE_OBJECT], 0);
	ck_assert_uint_eq(store->rows[STORE_SENDER], 1);
	ck_assert(store_commit(store));
	ck_assert_int_eq(read_large("a", text, sizeof(text)), STORE_MISSING);
}
END_TEST

START_TEST(test_store_commit_of_nothing)
{
	ck_assert(store_commit(store));
	ck_assert(store_commit(store));
	row_insert(store, STORE_TRIPLET, "a", "one");
	ck_assert(store_commit(store));
	ck_assert(store_commit(store));
	ck_assert_int_eq(row_get(store, STORE_TRIPLET, "a", NULL), STORE_FOUND);
}
END_TEST

START_TEST(test_store_has_room)
{
	static const struct {
		const char *name;
		uint64_t max_entries;
		bool has_room;
	} cases[] = {
		{ "no limit", 0, true },
		{ "room for one more", 4, true },
		{ "full: the tables count together", 3, false },
		{ "more than full, after a reload", 2, false },
	};

	row_insert(store, STORE_TRIPLET, "a", "one");
	row_insert(store, STORE_TRIPLET, "b", "two");
	row_insert(store, STORE_CLIENT, "a", "three");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		store->max_entries = cases[i].max_entries;
		ck_assert_msg(store_has_room(store) == cases[i].has_room, "%s",
		    cases[i].name);
	}
}
END_TEST

/* The same tests for every store. */
static void
add_tests(Suite *suite, const char *name, void (*setup)(void),
    void (*teardown)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_store_insert);
	tcase_add_test(tcase, test_store_insert_keeps_what_is_there);
	tcase_add_test(tcase, test_store_update);
	tcase_add_test(tcase, test_store_update_adds_what_has_gone);
	tcase_add_loop_test(tcase, test_store_get_or_add, 0, 2);
	tcase_add_test(tcase, test_store_keys);
	tcase_add_test(tcase, test_store_scan_of_nothing);
	tcase_add_loop_test(tcase, test_store_scan_in_steps, 0,
	    sizeof(step_cases) / sizeof(step_cases[0]));
	tcase_add_test(tcase, test_store_scan_while_rows_change);
	tcase_add_test(tcase, test_store_deletes_everything);
	tcase_add_test(tcase, test_store_reads_large_values);
	tcase_add_test(tcase, test_store_removes);
	tcase_add_test(tcase, test_store_commit_of_nothing);
	tcase_add_test(tcase, test_store_has_room);
	suite_add_tcase(suite, tcase);
}

Suite *
store_suite(void)
{
	Suite *suite = suite_create("store");

	add_tests(suite, "memory", setup_memory, teardown_memory);
	add_tests(suite, "Berkeley DB", setup_bdb, teardown_bdb);
	store_bdb_add_tests(suite);
	store_bdb_add_failures(suite);
	return suite;
}
