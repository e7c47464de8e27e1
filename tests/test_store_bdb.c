/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_fixture.h"

enum { NOBODY = 65534 };

static struct disk disk;

static void
setup(void)
{
	disk_begin(&disk);
}

static void
teardown(void)
{
	disk_end(&disk);
}

START_TEST(test_store_bdb_keeps_rows)
{
	disk_open(&disk);
	disk_commit(&disk, 0, 20);
	disk_close(&disk);
	disk_open(&disk);
	ck_assert_uint_eq(disk_check(&disk, 20), 20);
	ck_assert_str_eq(disk.err.text, "");
}
END_TEST

START_TEST(test_store_bdb_crash)
{
	for (unsigned round = 0; round < 20; round++) {
		disk_crash_after(&disk, round * 5, round * 5 + 5);
		disk_open(&disk);
		ck_assert_uint_eq(disk_check(&disk, round * 5 + 5),
		    round * 5 + 5);
		disk_close(&disk);
	}
}
END_TEST

static void *
keep_house(void *stop)
{
	struct err ignored;

	while (!atomic_load((atomic_bool *)stop)) {
		store_bdb_flush(disk.bdb, &ignored);
		store_bdb_tidy(disk.bdb, &ignored);
	}
	return NULL;
}

/* In another process: commits turns without end, tells of each, and keeps house
 * meanwhile. */
static void
write_until_killed(unsigned from, int tell)
{
	atomic_bool never = false;
	pthread_t housekeeping;

	if (disk_try_open(&disk) != STORE_BDB_OPENED ||
	    pthread_create(&housekeeping, NULL, keep_house, &never) != 0)
		_exit(1);
	for (unsigned turn = from;; turn++) {
		disk_insert(&disk, turn);
		if (!store_commit(disk.store))
			_exit(1);
		if (write(tell, &turn, sizeof(turn)) != sizeof(turn))
			_exit(1);
	}
}

/* Kills a writer when it has told of `turns` turns; returns the number of turns
 * that it has told of by then. */
static unsigned
kill_writer_after(unsigned from, unsigned turns)
{
	unsigned told = from;
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		write_until_killed(from, ends[1]);
	close(ends[1]);
	while (read(ends[0], &told, sizeof(told)) == sizeof(told))
		if (told + 1 >= from + turns)
			kill(pid, SIGKILL);
	close(ends[0]);
	wait_for(pid);
	return told + 1;
}

START_TEST(test_store_bdb_killed)
{
	unsigned turns = 0;

	for (unsigned round = 1; round <= 15; round++) {
		turns = kill_writer_after(turns, 7 * round);
		disk_open(&disk);
		turns = disk_check(&disk, turns);
		disk_close(&disk);
	}
}
END_TEST

/*
 * What is found at the start.
 */

static void
write_file(const char *path, const char *bytes, size_t len, off_t size)
{
	const int fd = open(path, O_WRONLY | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	if (size >= 0)
		ck_assert_int_eq(ftruncate(fd, size), 0);
	ck_assert_int_eq(close(fd), 0);
}

static const struct damage {
	const char *name;
	const char *file;
	/* Bytes written over its beginning; -1: its size stays. */
	size_t garbage;
	off_t size;
	bool crashed;
	enum store_bdb_result result;
} damages[] = {
	{ "garbage for triplets", "triplet.db", 9000, 9000, false,
	    STORE_BDB_RECREATED },
	{ "garbage at the beginning of the triplets", "triplet.db", 600, -1,
	    false, STORE_BDB_RECREATED },
	{ "garbage for triplets that the log still has", "triplet.db", 9000,
	    9000, true, STORE_BDB_OPENED },
	{ "garbage for clients", "client.db", 9000, 9000, false,
	    STORE_BDB_RECREATED },
	{ "garbage for the rest", "meta.db", 100, 100, false,
	    STORE_BDB_RECREATED },
	{ "garbage for the log", "log.0000000001", 4096, -1, false,
	    STORE_BDB_RECREATED },
	{ "garbage for the log, after a crash", "log.0000000001", 4096, -1,
	    true, STORE_BDB_RECREATED },
};

START_TEST(test_store_bdb_damaged)
{
	const struct damage *damage = &damages[_i];
	static char garbage[9000];
	enum store_bdb_result result;
	char path[PATH_MAX];
	struct stat status;

	memset(garbage, 'g', sizeof(garbage));
	disk_crash_after(&disk, 0, 20);
	if (!damage->crashed) {
		disk_open(&disk);
		disk_close(&disk);
	}
	snprintf(path, sizeof(path), "store/%s", damage->file);
	write_file(disk_path(&disk, path), garbage, damage->garbage,
	    damage->size);
	result = disk_try_open(&disk);
	ck_assert_msg(result == damage->result, "%s: %d %s", damage->name,
	    (int)result, disk.err.text);
	snprintf(path, sizeof(path), "store.broken-1/%s", damage->file);
	if (result == STORE_BDB_RECREATED) {
		ck_assert_msg(strstr(disk.err.text, "store.broken-1") != NULL,
		    "%s: \"%s\" names no folder", damage->name, disk.err.text);
		ck_assert_msg(stat(disk_path(&disk, path), &status) == 0,
		    "%s: not kept", damage->name);
		disk_check(&disk, 0);
		disk_commit(&disk, 0, 20);
		disk_close(&disk);
		disk_open(&disk);
	}
	ck_assert_uint_eq(disk_check(&disk, 20), 20);
}
END_TEST

START_TEST(test_store_bdb_broken_again_and_again)
{
	enum store_bdb_result result = STORE_BDB_RECREATED;
	unsigned moved = 0;

	while (result == STORE_BDB_RECREATED && moved < 100) {
		disk_open(&disk);
		disk_close(&disk);
		write_file(disk_path(&disk, "store/triplet.db"), "garbage", 7,
		    7);
		result = disk_try_open(&disk);
		if (result == STORE_BDB_RECREATED)
			moved++;
		disk_close(&disk);
	}
	ck_assert_uint_eq(moved, 5);
	ck_assert_int_eq(result, STORE_BDB_AWAY);
	ck_assert_msg(strstr(disk.err.text, "store.broken-") != NULL, "%s",
	    disk.err.text);
	ck_assert_int_eq(access(disk_path(&disk, "store/triplet.db"), F_OK), 0);
}
END_TEST

/* In another process, since there is no way back to being root. */
static void
open_as_nobody(const char *name, bool is_clear)
{
	const pid_t pid = fork();
	enum store_bdb_result result;

	ck_assert_int_ge(pid, 0);
	if (pid > 0) {
		wait_for(pid);
		return;
	}
	if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
		_exit(0);
	result = disk_try_open(&disk);
	if (result == STORE_BDB_REFUSED ||
	    (!is_clear && result == STORE_BDB_AWAY))
		_exit(0);
	fprintf(stderr, "%s: %d: %s\n", name, (int)result, disk.err.text);
	_exit(1);
}

START_TEST(test_store_bdb_no_rights)
{
	static const struct {
		const char *name;
		const char *path;
		mode_t mode;
		mode_t restored;
		/* Not hidden behind Berkeley DB's recovery. */
		bool is_clear;
	} cases[] = {
		{ "a directory that cannot be entered", ".", 0600, 0700, true },
		{ "a store that cannot be entered", "store", 0600, 0700, true },
		{ "a store that cannot be listed", "store", 0300, 0700, false },
		{ "triplets that cannot be read", "store/triplet.db", 0, 0600,
		    false },
		{ "triplets that cannot be written", "store/triplet.db", 0400,
		    0600, false },
		{ "a log that cannot be written", "store/log.0000000001", 0400,
		    0600, false },
	};
	static const char *const files[] = { ".", "store", "store/triplet.db",
		"store/client.db", "store/meta.db", "store/log.0000000001" };

	disk_crash_after(&disk, 0, 3);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (geteuid() == 0)
			ck_assert_int_eq(chown(disk_path(&disk, files[i]),
					     NOBODY, NOBODY),
			    0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		chmod(disk_path(&disk, cases[i].path), cases[i].mode);
		open_as_nobody(cases[i].name, cases[i].is_clear);
		chmod(disk_path(&disk, cases[i].path), cases[i].restored);
	}
	disk_open(&disk);
	ck_assert_uint_eq(disk_check(&disk, 3), 3);
}
END_TEST

START_TEST(test_store_bdb_no_rights_to_begin)
{
	if (geteuid() == 0)
		ck_assert_int_eq(chown(disk_path(&disk, "."), NOBODY, NOBODY),
		    0);
	chmod(disk_path(&disk, "."), 0500);
	open_as_nobody("a directory that cannot be written", true);
	chmod(disk_path(&disk, "."), 0700);
	disk_open(&disk);
}
END_TEST

START_TEST(test_store_bdb_no_directory)
{
	disk.config.directory = "/nonexistent/directory";
	ck_assert_int_ne(disk_try_open(&disk), STORE_BDB_OPENED);
	ck_assert_msg(strstr(disk.err.text, "/nonexistent/directory") != NULL,
	    "%s", disk.err.text);
	ck_assert_msg(strstr(disk.err.text, "broken") == NULL, "%s",
	    disk.err.text);
	ck_assert(store_bdb_is_shut(disk.bdb));
	ck_assert_int_eq(row_get(disk.store, STORE_TRIPLET, "a", NULL),
	    STORE_UNAVAILABLE);
}
END_TEST

/* A row of a table, written past our own code, as another version would. */
static void
put_past_store(const char *file, DBTYPE type, const char *name,
    const char *text)
{
	char key_bytes[64];
	char value_bytes[128];
	DBT key = { .data = key_bytes, .size = (uint32_t)strlen(name) };
	DBT value = { .data = value_bytes, .size = (uint32_t)strlen(text) };
	DB_ENV *env;
	DB *db;

	memcpy(key_bytes, name, key.size);
	memcpy(value_bytes, text, value.size);
	ck_assert_int_eq(db_env_create(&env, 0), 0);
	ck_assert_int_eq(env->open(env, disk_path(&disk, "store"),
			     DB_CREATE | DB_RECOVER | DB_PRIVATE | DB_INIT_TXN |
				 DB_INIT_LOG | DB_INIT_MPOOL,
			     0600),
	    0);
	ck_assert_int_eq(db_create(&db, env, 0), 0);
	ck_assert_int_eq(db->open(db, NULL, file, NULL, type,
			     DB_CREATE | DB_AUTO_COMMIT, 0600),
	    0);
	ck_assert_int_eq(db->put(db, NULL, &key, &value, 0), 0);
	ck_assert_int_eq(db->close(db, 0), 0);
	ck_assert_int_eq(env->txn_checkpoint(env, 0, 0, DB_FORCE), 0);
	ck_assert_int_eq(env->close(env, 0), 0);
}

/* The bytes of a file's beginning, enough for the small ones of here. */
static size_t
read_file(const char *path, char bytes[1 << 16])
{
	const int fd = open(path, O_RDONLY);
	ssize_t len;

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	len = read(fd, bytes, 1 << 16);
	ck_assert_int_ge(len, 0);
	close(fd);
	return (size_t)len;
}

static const struct other_format {
	const char *name;
	const char *format;
	/* More that differs there; NULL: nothing. */
	const char *rows;
	const char *file;
	DBTYPE type;
	/* The sentence quotes it. */
	const char *quoted;
} other_formats[] = {
	{ "the next one", "2", NULL, NULL, DB_BTREE, "\"2\"" },
	{ "one that begins as ours", "10", NULL, NULL, DB_BTREE, "\"10\"" },
	{ "an empty one", "", NULL, NULL, DB_BTREE, "\"\"" },
	{ "a long one", "2 with everything that its authors had to tell", NULL,
	    NULL, DB_BTREE, "2 with" },
	{ "with rows counted otherwise", "2", "none", NULL, DB_BTREE, "\"2\"" },
	{ "with triplets in a hash table", "2", NULL, "triplet.db", DB_HASH,
	    "\"2\"" },
};

START_TEST(test_store_bdb_other_format)
{
	static const char *const files[] = { "store/triplet.db",
		"store/client.db", "store/meta.db" };
	const struct other_format *other = &other_formats[_i];
	static char before[3][1 << 16];
	static char after[1 << 16];
	size_t len[3];

	disk_open(&disk);
	disk_commit(&disk, 0, 3);
	disk_close(&disk);
	put_past_store("meta.db", DB_BTREE, "format", other->format);
	if (other->rows != NULL)
		put_past_store("meta.db", DB_BTREE, "rows", other->rows);
	if (other->file != NULL) {
		ck_assert_int_eq(unlink(disk_path(&disk, "store/triplet.db")),
		    0);
		put_past_store(other->file, other->type, "key", "value");
	}
	for (size_t i = 0; i < 3; i++)
		len[i] = read_file(disk_path(&disk, files[i]), before[i]);
	for (unsigned attempt = 0; attempt < 5; attempt++) {
		ck_assert_msg(disk_try_open(&disk) == STORE_BDB_REFUSED,
		    "%s: %s", other->name, disk.err.text);
		ck_assert_msg(strstr(disk.err.text, other->quoted) != NULL,
		    "%s: \"%s\"", other->name, disk.err.text);
		ck_assert_int_eq(row_get(disk.store, STORE_TRIPLET, "a", NULL),
		    STORE_UNAVAILABLE);
		disk_close(&disk);
	}
	for (size_t i = 0; i < 3; i++)
		ck_assert_msg(read_file(disk_path(&disk, files[i]), after) ==
				      len[i] &&
				  memcmp(before[i], after, len[i]) == 0,
		    "%s: %s has changed", other->name, files[i]);
}
END_TEST

void
store_bdb_add_tests(Suite *suite)
{
	TCase *tcase = tcase_create("Berkeley DB, opened");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_store_bdb_keeps_rows);
	tcase_add_test(tcase, test_store_bdb_crash);
	tcase_add_test(tcase, test_store_bdb_killed);
	tcase_add_loop_test(tcase, test_store_bdb_damaged, 0,
	    sizeof(damages) / sizeof(damages[0]));
	tcase_add_test(tcase, test_store_bdb_broken_again_and_again);
	tcase_add_test(tcase, test_store_bdb_no_rights);
	tcase_add_test(tcase, test_store_bdb_no_rights_to_begin);
	tcase_add_test(tcase, test_store_bdb_no_directory);
	tcase_add_loop_test(tcase, test_store_bdb_other_format, 0,
	    sizeof(other_formats) / sizeof(other_formats[0]));
	suite_add_tcase(suite, tcase);
}
