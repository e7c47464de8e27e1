/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store_fixture.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container.h"
#include "descriptors.h"

/* Long keys, so that a few rows are many pages. */
enum { KEY_SIZE = 780 };

static char directory[PATH_MAX];

const char *
directory_create(void)
{
	const char *parent = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%s/check_policyd.XXXXXX",
	    parent != NULL ? parent : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	return directory;
}

static int
remove_entry(const char *path, const struct stat *status, int type,
    struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
directory_remove(void)
{
	ck_assert_int_eq(nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS),
	    0);
}

struct question {
	struct store_get get;
	bool answered;
};

static void
answered(struct lookup *lookup)
{
	container_of(lookup, struct question, get.lookup)->answered = true;
}

enum store_status
row_get(struct store *store, enum store_table table, const char *key,
    char value[RECORD_SIZE + 1])
{
	struct question question = {
		.get = {
			.lookup = { .done = answered },
			.table = table,
			.key = key,
			.key_len = strlen(key),
		},
	};

	store_get(store, &question.get);
	ck_assert(question.answered);
	if (value != NULL) {
		memcpy(value, question.get.value, question.get.value_len);
		value[question.get.value_len] = '\0';
	}
	return question.get.status;
}

static struct store_row
row(const char *key, const char *value)
{
	return (struct store_row){
		.key = key,
		.key_len = strlen(key),
		.value = value,
		.value_len = strlen(value),
	};
}

void
row_insert(struct store *store, enum store_table table, const char *key,
    const char *value)
{
	const struct store_row inserted = row(key, value);

	store_insert(store, table, &inserted);
}

void
row_update(struct store *store, enum store_table table, const char *key,
    const char *value)
{
	const struct store_row updated = row(key, value);

	store_update(store, table, &updated);
}

struct counter {
	struct store_visitor visitor;
	uint64_t rows;
};

static bool
count_row(struct store_visitor *visitor, const struct store_row *seen)
{
	(void)seen;
	container_of(visitor, struct counter, visitor)->rows++;
	return false;
}

uint64_t
rows_seen(struct store *store, enum store_table table)
{
	struct counter counter = { .visitor = { .is_over = count_row } };
	struct store_cursor cursor = { .key_len = 0 };
	enum store_scan status;

	do
		status =
		    store_scan(store, table, &cursor, 100, &counter.visitor);
	while (status == STORE_SCAN_MORE);
	ck_assert_int_eq(status, STORE_SCAN_END);
	return counter.rows;
}

void
disk_begin(struct disk *disk)
{
	descriptors_count();
	*disk = (struct disk){
		.config = {
			.directory = directory_create(),
			.cache_size = 1 << 20,
			.checkpoint_size = 64 << 10,
		},
	};
}

void
disk_end(struct disk *disk)
{
	disk_close(disk);
	directory_remove();
	descriptors_check();
}

const char *
disk_path(const struct disk *disk, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", disk->config.directory, name);
	return path;
}

enum store_bdb_result
disk_try_open(struct disk *disk)
{
	if (disk->bdb == NULL)
		disk->bdb = store_bdb_create(&disk->config);
	disk->store = store_bdb_store(disk->bdb);
	err_set(&disk->err, "%s", "");
	return store_bdb_open(disk->bdb, &disk->err);
}

void
disk_open(struct disk *disk)
{
	const enum store_bdb_result result = disk_try_open(disk);

	ck_assert_msg(result == STORE_BDB_OPENED, "%d: %s", (int)result,
	    disk->err.text);
}

void
disk_close(struct disk *disk)
{
	store_bdb_destroy(disk->bdb);
	disk->bdb = NULL;
}

static const char *
key_of(unsigned turn, unsigned number)
{
	static char key[KEY_SIZE];

	snprintf(key, sizeof(key), "%06u-%u-%0*d", turn, number, KEY_SIZE - 20,
	    0);
	return key;
}

void
disk_insert(struct disk *disk, unsigned turn)
{
	for (unsigned i = 0; i < DISK_TURN_ROWS; i++)
		row_insert(disk->store, STORE_TRIPLET, key_of(turn, i),
		    "value");
}

void
disk_commit(struct disk *disk, unsigned from, unsigned to)
{
	for (unsigned turn = from; turn < to; turn++) {
		disk_insert(disk, turn);
		ck_assert(store_commit(disk->store));
	}
}

static bool
has_row(const struct disk *disk, unsigned turn, unsigned number)
{
	return row_get(disk->store, STORE_TRIPLET, key_of(turn, number),
		   NULL) == STORE_FOUND;
}

unsigned
disk_check(struct disk *disk, unsigned turns)
{
	unsigned all = turns;

	for (unsigned turn = 0; turn < turns; turn++)
		for (unsigned i = 0; i < DISK_TURN_ROWS; i++)
			ck_assert_msg(has_row(disk, turn, i),
			    "row %u of turn %u of %u is lost", i, turn, turns);
	while (has_row(disk, all, 0))
		all++;
	ck_assert_uint_eq(rows_seen(disk->store, STORE_TRIPLET),
	    all * DISK_TURN_ROWS);
	ck_assert_uint_eq(disk->store->rows[STORE_TRIPLET],
	    all * DISK_TURN_ROWS);
	return all;
}

void
wait_for(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(!WIFEXITED(status) || WEXITSTATUS(status) == 0,
	    "the other process failed");
}

void
disk_crash_after(struct disk *disk, unsigned from, unsigned to)
{
	const pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0) {
		wait_for(pid);
		return;
	}
	if (disk_try_open(disk) != STORE_BDB_OPENED)
		_exit(1);
	for (unsigned turn = from; turn < to; turn++) {
		disk_insert(disk, turn);
		if (!store_commit(disk->store))
			_exit(1);
	}
	disk_insert(disk, to);
	_exit(0);
}
