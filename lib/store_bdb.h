/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store on disk: a transactional Berkeley DB environment.
 *
 * Two threads share it.  The event loop's thread uses the `struct store` and
 * never waits for the disk: what a commit wrote survives the death of the
 * process, since the operating system has it.  A housekeeping thread calls the
 * functions below that do: it makes the log durable, writes changed pages, sets
 * checkpoints and removes old log files.
 *
 * When the store fails it is shut: every question is STORE_UNAVAILABLE, and the
 * housekeeping thread opens it again with store_bdb_open(), which recovers it;
 * what cannot be recovered is moved aside, whole, and an empty store is made.
 * So exactly one thread uses the environment while it is opened or closed.
 *
 * The files are in DIRECTORY/store: one for each table, meta.db and Berkeley DB's
 * log.  meta.db holds the format of the rows, which is checked when the
 * store is opened.  The caller makes sure that no other process opens them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "store.h"

/* The format of keys and rows that this version reads and writes. */
#define STORE_BDB_FORMAT 1

struct store_bdb_config {
	/* Must exist and be writable.  Borrowed. */
	const char *directory;
	/* Bytes of the page cache. */
	uint64_t cache_size;
	/* Bytes of log between two checkpoints: with it grows the time that
	 * the recovery after a crash takes. */
	uint64_t checkpoint_size;
	uint64_t max_entries;
};

enum store_bdb_result {
	/* It will not open until somebody does something about it: no rights,
	 * or the rows of another version. */
	STORE_BDB_REFUSED = 0,
	/* The disk is full, or the like: worth trying again. */
	STORE_BDB_AWAY,
	/* It was beyond repair: it is moved aside, and open anew and empty. */
	STORE_BDB_RECREATED,
	STORE_BDB_OPENED,
};

struct store_bdb;

/* A store that is shut; `config` is copied.  The caller destroys it. */
struct store_bdb *store_bdb_create(const struct store_bdb_config *config);

/* Closes the store, making all of it durable.  No other thread may use it. */
void store_bdb_destroy(struct store_bdb *bdb);

/* The interface; it belongs to `bdb`. */
struct store *store_bdb_store(struct store_bdb *bdb);

/* Opens, or after a failure opens again, recovering what the last process left.
 * Sets `err` for every result but STORE_BDB_OPENED.  Blocks: seconds after a
 * crash under load. */
enum store_bdb_result store_bdb_open(struct store_bdb *bdb, struct err *err);

/* Whether the store is shut and wants store_bdb_open().  Any thread. */
bool store_bdb_is_shut(const struct store_bdb *bdb);

/* Makes all that is committed durable.  Blocks for a flush of the disk.
 * Housekeeping thread. */
int store_bdb_flush(struct store_bdb *bdb, struct err *err);

/* Writes changed pages before their place is needed, and sets a checkpoint when
 * `checkpoint_size` bytes of log have come or minutes have passed.  Blocks.
 * Housekeeping thread, once a second. */
int store_bdb_tidy(struct store_bdb *bdb, struct err *err);

/* For a process that is about to end because Berkeley DB does not return from
 * damaged pages: moves the store aside as it is, so that the next process begins
 * anew.  `err` tells where it is, or why it is not.  Any thread. */
void store_bdb_abandon(struct store_bdb *bdb, struct err *err);

/* What went wrong when the store was last shut.  Any thread. */
void store_bdb_complaint(struct store_bdb *bdb, struct err *err);
