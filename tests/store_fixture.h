/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the stores share: a directory, rows as strings, and a store
 * on disk that is filled turn by turn.
 *
 * A turn inserts DISK_TURN_ROWS rows and commits, so all rows of a turn are
 * there or none.  Turns are counted from 0.
 */
#pragma once

#include "store.h"
#include "store_bdb.h"

#include <check.h>

/* Makes a directory that nobody else uses, and removes it with all that is in
 * it.  One at a time. */
const char *directory_create(void);
void directory_remove(void);

/* Asks for a row; `value`, unless it is NULL, becomes its bytes as a string. */
enum store_status row_get(struct store *store, enum store_table table,
    const char *key, char value[RECORD_SIZE + 1]);

void row_insert(struct store *store, enum store_table table, const char *key,
    const char *value);
void row_update(struct store *store, enum store_table table, const char *key,
    const char *value);

/* Reads a table through and returns the number of its rows. */
uint64_t rows_seen(struct store *store, enum store_table table);

#define DISK_TURN_ROWS 3

struct disk {
	struct store_bdb_config config;
	/* NULL: closed. */
	struct store_bdb *bdb;
	struct store *store;
	struct err err;
};

/* A directory without a store; and away with both, making sure that no
 * descriptor is left open. */
void disk_begin(struct disk *disk);
void disk_end(struct disk *disk);

/* The path of a file in the directory, until the next call. */
const char *disk_path(const struct disk *disk, const char *name);

enum store_bdb_result disk_try_open(struct disk *disk);
void disk_open(struct disk *disk);
void disk_close(struct disk *disk);

/* Inserts the rows of one turn, without a commit. */
void disk_insert(struct disk *disk, unsigned turn);

/* Does the turns `from` to `to` - 1. */
void disk_commit(struct disk *disk, unsigned from, unsigned to);

/* Makes sure that the first turns are there, and that the number of rows is
 * known.  Returns the number of all turns that are there. */
unsigned disk_check(struct disk *disk, unsigned turns);

/* In a process of its own: does the turns `from` to `to` - 1, begins another
 * one, and is gone. */
void disk_crash_after(struct disk *disk, unsigned from, unsigned to);

/* Waits for a process that must have ended well or by a signal. */
void wait_for(pid_t pid);

/* Add the tests of the store on disk to the suite of all stores: what it finds
 * when it is opened, and what happens when the disk fails. */
void store_bdb_add_tests(Suite *suite);
void store_bdb_add_failures(Suite *suite);
