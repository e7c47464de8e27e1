/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <db.h>
#include <errno.h>
#include <glob.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "store_fixture.h"

static struct disk disk;

/*
 * A disk that fails: Berkeley DB calls these functions instead of the system's.
 */

static atomic_int failure;
/* Writes until the first one fails; negative: none will. */
static atomic_long writes_left;
/* Whether all writes fail from then on, or that one only. */
static atomic_bool stays_full;

static bool
write_fails(void)
{
	long left = atomic_load(&writes_left);

	if (left > 0)
		left = atomic_fetch_sub(&writes_left, 1);
	if (left != 0)
		return false;
	if (!atomic_load(&stays_full))
		atomic_store(&writes_left, -1);
	errno = atomic_load(&failure);
	return true;
}

static ssize_t
disk_write(int fd, const void *bytes, size_t len)
{
	return write_fails() ? -1 : write(fd, bytes, len);
}

/* Returns an error number.  What is asked here needs no real flush. */
static int
disk_fsync(int fd)
{
	(void)fd;
	return write_fails() ? atomic_load(&failure) : 0;
}

/* Only in place while it fails, since Berkeley DB takes the end of a file for a
 * failure of such a function. */
static ssize_t
unreadable(int fd, void *bytes, size_t len)
{
	(void)fd;
	(void)bytes;
	(void)len;
	errno = EINVAL;
	return -1;
}

static void
fail_write(long after, bool on, int error)
{
	atomic_store(&failure, error);
	atomic_store(&stays_full, on);
	atomic_store(&writes_left, after);
}

static void
repair(void)
{
	atomic_store(&writes_left, -1);
}

static void
setup(void)
{
	disk_begin(&disk);
}

static void
setup_failing(void)
{
	setup();
	repair();
	db_env_set_func_write(disk_write);
	db_env_set_func_fsync(disk_fsync);
}

static void
teardown(void)
{
	disk_end(&disk);
}

static void
teardown_failing(void)
{
	teardown();
	db_env_set_func_write(NULL);
	db_env_set_func_fsync(NULL);
}

static void
must_be_unavailable(void)
{
	static const struct store_visitor none;
	struct store_visitor visitor = none;
	struct store_cursor cursor = { .key_len = 0 };

	ck_assert_int_eq(row_get(disk.store, STORE_TRIPLET, "a", NULL),
	    STORE_UNAVAILABLE);
	ck_assert_int_eq(store_scan(disk.store, STORE_TRIPLET, &cursor, 1,
			     &visitor),
	    STORE_SCAN_UNAVAILABLE);
}

/* A store that is shut takes changes and commits, and does nothing. */
static void
must_be_shut(void)
{
	ck_assert(store_bdb_is_shut(disk.bdb));
	must_be_unavailable();
	disk_insert(&disk, 999);
	store_commit(disk.store);
	must_be_unavailable();
}

static void
must_complain(const char *about)
{
	store_bdb_complaint(disk.bdb, &disk.err);
	ck_assert_msg(strstr(disk.err.text, about) != NULL,
	    "\"%s\" does not say \"%s\"", disk.err.text, about);
	ck_assert_msg(strstr(disk.err.text, disk.config.directory) != NULL,
	    "\"%s\" does not say where", disk.err.text);
}

static unsigned
count_files(const char *pattern)
{
	glob_t found;
	unsigned count = 0;

	if (glob(disk_path(&disk, pattern), 0, NULL, &found) != 0)
		return 0;
	count = (unsigned)found.gl_pathc;
	globfree(&found);
	return count;
}

/* Does turns until a commit fails; returns the number of turns there are. */
static unsigned
commit_until_it_fails(unsigned from)
{
	unsigned turn = from;

	for (; turn < from + 10000; turn++) {
		disk_insert(&disk, turn);
		if (!store_commit(disk.store))
			return turn;
	}
	ck_abort_msg("no commit has failed");
}

static void
limit_files(rlim_t bytes)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static const struct limit {
	const char *name;
	rlim_t bytes;
} limits[] = {
	{ "no byte", 0 },
	{ "in a page", 5000 },
	{ "at a page's end", 16384 },
	{ "some pages", 200000 },
	{ "many pages", 1000000 },
};

START_TEST(test_store_bdb_no_space)
{
	const struct limit *limit = &limits[_i];
	unsigned turns = 10;
	struct rlimit before;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	disk_open(&disk);
	disk_commit(&disk, 0, turns);
	for (unsigned round = 0; round < 5; round++) {
		limit_files(limit->bytes + round * 100000);
		turns = commit_until_it_fails(turns);
		must_be_shut();
		must_complain(strerror(EFBIG));
		if (disk_try_open(&disk) == STORE_BDB_OPENED)
			turns = commit_until_it_fails(turns);
		limit_files(before.rlim_cur);
		disk_open(&disk);
		ck_assert_msg(disk_check(&disk, turns) == turns,
		    "%s: a turn whose commit failed is there", limit->name);
		disk_commit(&disk, turns, turns + 5);
		turns += 5;
	}
	ck_assert_uint_eq(count_files("store.broken-*"), 0);
}
END_TEST

/* Every write in turn: the store fails, does not open while the disk is full,
 * and has lost nothing afterwards. */
static void
fail_at_work(long calls, unsigned *turns)
{
	struct err ignored;
	bool kept = true;

	fail_write(calls, true, ENOSPC);
	for (unsigned i = 0; kept && i < 8; i++) {
		disk_insert(&disk, *turns);
		kept = store_commit(disk.store);
		*turns += kept ? 1 : 0;
		if (kept && i % 2 == 1)
			store_bdb_flush(disk.bdb, &ignored);
		if (kept && i % 4 == 3)
			store_bdb_tidy(disk.bdb, &ignored);
	}
	/* A turn in which only the housekeeping has failed. */
	if (kept && store_commit(disk.store))
		return;
	must_be_shut();
	must_complain(strerror(ENOSPC));
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_int_eq(disk_try_open(&disk), STORE_BDB_AWAY);
		ck_assert_str_ne(disk.err.text, "");
		must_be_shut();
	}
}

START_TEST(test_store_bdb_full_while_open)
{
	unsigned turns = 5;

	disk_open(&disk);
	disk_commit(&disk, 0, turns);
	for (long calls = 0; calls < 40; calls++) {
		fail_at_work(calls, &turns);
		repair();
		if (store_bdb_is_shut(disk.bdb))
			disk_open(&disk);
		ck_assert_uint_eq(disk_check(&disk, turns), turns);
	}
	ck_assert_uint_eq(count_files("store.broken-*"), 0);
}
END_TEST

/* Once with a disk that stays full, once with one that recovers at once. */
START_TEST(test_store_bdb_full_while_opened)
{
	enum store_bdb_result result = STORE_BDB_AWAY;
	unsigned turns = 0;

	/* Most writes make the rest of the log zero. */
	for (long calls = 0; result == STORE_BDB_AWAY && calls < 100000;
	     calls += 1 + calls / 3) {
		disk_crash_after(&disk, turns, turns + 10);
		turns += 10;
		fail_write(calls, _i == 0, ENOSPC);
		result = disk_try_open(&disk);
		ck_assert_msg(result == STORE_BDB_AWAY ||
				  result == STORE_BDB_OPENED,
		    "after %ld calls: %d: %s", calls, (int)result,
		    disk.err.text);
		ck_assert(
		    result == STORE_BDB_OPENED || store_bdb_is_shut(disk.bdb));
		repair();
		disk_close(&disk);
		disk_open(&disk);
		ck_assert_uint_eq(disk_check(&disk, turns), turns);
		disk_close(&disk);
	}
	ck_assert_int_eq(result, STORE_BDB_OPENED);
	ck_assert_uint_gt(turns, 100);
}
END_TEST

/* Makes a read fail in a way that says nothing about the disk: of many rows,
 * some are on pages that are not in the cache. */
static void
fail_to_read(void)
{
	enum store_status status = STORE_MISSING;
	char key[8];

	db_env_set_func_read(unreadable);
	for (unsigned i = 0; i < 1000 && status != STORE_UNAVAILABLE; i++) {
		snprintf(key, sizeof(key), "%06u", i);
		status = row_get(disk.store, STORE_TRIPLET, key, NULL);
	}
	db_env_set_func_read(NULL);
	ck_assert_int_eq(status, STORE_UNAVAILABLE);
	ck_assert(!store_commit(disk.store));
	must_be_shut();
}

static void
fill(void)
{
	disk_open(&disk);
	disk_commit(&disk, 0, 50);
	disk_close(&disk);
	disk_open(&disk);
}

START_TEST(test_store_bdb_fails_again_and_again)
{
	fill();
	fail_to_read();
	disk_open(&disk);
	fail_to_read();
	disk_open(&disk);
	fail_to_read();
	ck_assert_int_eq(disk_try_open(&disk), STORE_BDB_RECREATED);
	ck_assert_uint_eq(count_files("store.broken-*"), 1);
	disk_commit(&disk, 0, 3);
	ck_assert_uint_eq(disk_check(&disk, 3), 3);
}
END_TEST

/* The rows are more than the cache holds, so reading all of them leaves pages
 * that must be read again. */
START_TEST(test_store_bdb_failures_are_cured_when_all_was_read)
{
	disk_open(&disk);
	disk_commit(&disk, 0, 1000);
	for (unsigned i = 0; i < 8; i++) {
		rows_seen(disk.store, STORE_TRIPLET);
		if (i % 2 == 0)
			rows_seen(disk.store, STORE_CLIENT);
		ck_assert(store_commit(disk.store));
		fail_to_read();
		disk_open(&disk);
	}
	ck_assert_uint_eq(disk_check(&disk, 1000), 1000);
}
END_TEST

/* One that is to be made anew while the disk is full is moved aside once. */
START_TEST(test_store_bdb_full_while_made_anew)
{
	const long writes[] = { 0, 1, 2, 3, 5, 8, 13, 21 };

	fill();
	for (unsigned i = 0; i < 2; i++) {
		fail_to_read();
		disk_open(&disk);
	}
	fail_to_read();
	for (unsigned i = 0; i < 8; i++) {
		fail_write(writes[_i], true, ENOSPC);
		ck_assert_int_eq(disk_try_open(&disk), STORE_BDB_AWAY);
		must_be_shut();
	}
	ck_assert_uint_le(count_files("store.broken-*"), 1);
	repair();
	ck_assert_int_ge(disk_try_open(&disk), STORE_BDB_RECREATED);
	ck_assert_uint_le(count_files("store.broken-*"), 1);
	disk_commit(&disk, 50, 53);
	ck_assert_int_eq(row_get(disk.store, STORE_TRIPLET, "a", NULL),
	    STORE_MISSING);
}
END_TEST

/*
 * The housekeeping, in its own thread.
 */

static atomic_bool is_over;

static void *
keep_house(void *unused)
{
	struct err ignored;
	enum store_bdb_result result = STORE_BDB_OPENED;

	(void)unused;
	while (!atomic_load(&is_over) && result != STORE_BDB_RECREATED) {
		if (store_bdb_is_shut(disk.bdb)) {
			result = store_bdb_open(disk.bdb, &ignored);
		} else {
			store_bdb_flush(disk.bdb, &ignored);
			store_bdb_tidy(disk.bdb, &ignored);
		}
	}
	/* What must not happen here is seen when it is joined. */
	return result == STORE_BDB_RECREATED ? disk.bdb : NULL;
}

static pthread_t
start_housekeeping(void)
{
	pthread_t thread;

	atomic_store(&is_over, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, keep_house, NULL), 0);
	return thread;
}

static void
end_housekeeping(pthread_t thread)
{
	void *recreated;

	atomic_store(&is_over, true);
	ck_assert_int_eq(pthread_join(thread, &recreated), 0);
	ck_assert_ptr_null(recreated);
}

START_TEST(test_store_bdb_housekeeping)
{
	pthread_t thread;

	disk_open(&disk);
	thread = start_housekeeping();
	disk_commit(&disk, 0, 500);
	end_housekeeping(thread);
	ck_assert_uint_eq(disk_check(&disk, 500), 500);
	disk_close(&disk);
	disk_open(&disk);
	ck_assert_uint_eq(disk_check(&disk, 500), 500);
}
END_TEST

/* One turn; whether it is kept.  A turn that found the store shut is not. */
static bool
do_turn(unsigned turn)
{
	const bool available =
	    row_get(disk.store, STORE_CLIENT, "a", NULL) != STORE_UNAVAILABLE;

	if (available)
		disk_insert(&disk, turn);
	return store_commit(disk.store) && available;
}

START_TEST(test_store_bdb_heals)
{
	unsigned turns = 0;
	unsigned failed = 0;
	pthread_t thread;

	disk_open(&disk);
	thread = start_housekeeping();
	while (turns < 300) {
		if (!do_turn(turns)) {
			failed++;
			sched_yield();
			continue;
		}
		turns++;
		if (turns % 30 == 0)
			fail_write(turns % 7, false, ENOSPC);
	}
	repair();
	end_housekeeping(thread);
	/* What failed last, failed the housekeeping. */
	if (!store_commit(disk.store) || store_bdb_is_shut(disk.bdb))
		disk_open(&disk);
	ck_assert_uint_gt(failed, 0);
	ck_assert_uint_eq(disk_check(&disk, turns), turns);
}
END_TEST

START_TEST(test_store_bdb_removes_logs)
{
	unsigned turns = 0;
	struct err err = { "" };

	disk_open(&disk);
	for (; count_files("store/log.*") < 3; turns += 100)
		disk_commit(&disk, turns, turns + 100);
	ck_assert_msg(store_bdb_tidy(disk.bdb, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(count_files("store/log.*"), 1);
	ck_assert_int_eq(access(disk_path(&disk, "store/log.0000000003"), F_OK),
	    0);
	ck_assert_uint_eq(disk_check(&disk, turns), turns);
}
END_TEST

void
store_bdb_add_failures(Suite *suite)
{
	TCase *limited = tcase_create("Berkeley DB, limited");
	TCase *tcase = tcase_create("Berkeley DB, failing");

	tcase_add_checked_fixture(limited, setup, teardown);
	tcase_set_timeout(limited, 60);
	tcase_add_loop_test(limited, test_store_bdb_no_space, 0,
	    sizeof(limits) / sizeof(limits[0]));
	tcase_add_test(limited, test_store_bdb_removes_logs);
	suite_add_tcase(suite, limited);
	tcase_add_checked_fixture(tcase, setup_failing, teardown_failing);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_store_bdb_full_while_open);
	tcase_add_loop_test(tcase, test_store_bdb_full_while_opened, 0, 2);
	tcase_add_test(tcase, test_store_bdb_fails_again_and_again);
	tcase_add_test(tcase,
	    test_store_bdb_failures_are_cured_when_all_was_read);
	tcase_add_loop_test(tcase, test_store_bdb_full_while_made_anew, 0, 8);
	tcase_add_test(tcase, test_store_bdb_housekeeping);
	tcase_add_test(tcase, test_store_bdb_heals);
	suite_add_tcase(suite, tcase);
}
