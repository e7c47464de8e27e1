/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the greylist remembers: tables of rows, each a key and a few bytes.
 *
 * This is the interface; store_bdb.h keeps the rows in Berkeley DB, and
 * store_memory.h in memory.  A question (store_get) is a lookup, since a store
 * on another host may take its time.  Changes are gathered and made lasting by
 * store_commit(): all of them, or none.  A change never reports an error of its
 * own; a store that fails answers every question with STORE_UNAVAILABLE and
 * fails the commit, so there is one place to handle it.
 *
 * The replica of the directory (replica.h) needs more than the greylist: rows
 * that are large, removed, and read at once.  Those functions are for stores on
 * this host.
 *
 * All functions belong to the event loop's thread and none of them waits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "lookup.h"
#include "record.h"

/* The longest key: a recipient, a sender and an origin (triplet.h). */
#define STORE_KEY_MAX 800

/* The largest value that store_read() finds. */
#define STORE_VALUE_MAX 32768

enum store_table {
	/* triplet key -> triplet_record */
	STORE_TRIPLET,
	/* origin -> client_record */
	STORE_CLIENT,
	/* The tables before this one are the greylist's, the others the
	 * replica's (replica.c says what is in them). */
	STORE_RECIPIENT,
	STORE_OBJECT,
	STORE_SENDER,
	STORE_REPLICA,
	STORE_TABLES,
};

enum store_status {
	/* No answer: never to be taken for "no such row". */
	STORE_UNAVAILABLE = 0,
	STORE_FOUND,
	STORE_MISSING,
};

/* A question for one row. */
struct store_get {
	struct lookup lookup;
	enum store_table table;
	/* Borrowed until the answer. */
	const char *key;
	size_t key_len;
	/* With `absent_len` > 0, a row that is missing is added with this
	 * value; the answer is STORE_MISSING all the same. */
	char absent[RECORD_SIZE];
	size_t absent_len;
	/* It is more likely missing than not.  The answer does not depend on
	 * it; a store can save a search with it. */
	bool likely_absent;
	/* The answer; value only when FOUND. */
	enum store_status status;
	char value[RECORD_SIZE];
	size_t value_len;
};

/* How far a scan has come; all zero is the beginning. */
struct store_cursor {
	char key[STORE_KEY_MAX];
	size_t key_len;
};

struct store_row {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
};

/* Looks at one row of a scan and says whether it is to be deleted. */
struct store_visitor {
	bool (*is_over)(struct store_visitor *visitor,
	    const struct store_row *row);
};

enum store_scan { STORE_SCAN_UNAVAILABLE = 0, STORE_SCAN_MORE, STORE_SCAN_END };

struct store {
	void (*get)(struct store *store, struct store_get *get);
	void (*insert)(struct store *store, enum store_table table,
	    const struct store_row *row);
	void (*update)(struct store *store, enum store_table table,
	    const struct store_row *row);
	enum store_scan (*scan)(struct store *store, enum store_table table,
	    struct store_cursor *cursor, unsigned rows,
	    struct store_visitor *visitor);
	bool (*commit)(struct store *store);
	enum store_status (*read)(struct store *store, enum store_table table,
	    const char *key, size_t key_len, struct buf *value);
	void (*remove)(struct store *store, enum store_table table,
	    const char *key, size_t key_len);
	/* Another number says that changes may be lost, all of them perhaps:
	 * the store was opened again. */
	unsigned long epoch;
	/* Rows of each table.  Read only. */
	uint64_t rows[STORE_TABLES];
	/* How many rows the greylist may have; 0: no limit. */
	uint64_t max_entries;
};

/* Asks for a row; `get` belongs to the caller and must stay until the answer.
 */
static inline void
store_get(struct store *store, struct store_get *get)
{
	store->get(store, get);
}

/* Adds a row that store_get() did not find.  One that has appeared since then
 * stays as it is. */
static inline void
store_insert(struct store *store, enum store_table table,
    const struct store_row *row)
{
	store->insert(store, table, row);
}

/* Replaces the value of a row that store_get() found.  One that has gone since
 * then is added, and may be missing in `rows`. */
static inline void
store_update(struct store *store, enum store_table table,
    const struct store_row *row)
{
	store->update(store, table, row);
}

/* Visits at most `rows` rows in the order of their keys, from `cursor` on, and
 * deletes those that the visitor says are over.  The cursor moves on; after
 * STORE_SCAN_END it is at the beginning again. */
static inline enum store_scan
store_scan(struct store *store, enum store_table table,
    struct store_cursor *cursor, unsigned rows, struct store_visitor *visitor)
{
	return store->scan(store, table, cursor, rows, visitor);
}

/* Makes the changes since the last commit survive the death of this process.
 * False: none of them is made, and what was read since may be wrong. */
static inline bool
store_commit(struct store *store)
{
	return store->commit(store);
}

/* Appends the value of a row to `value`; at once.  A value for which there is
 * no room is UNAVAILABLE. */
static inline enum store_status
store_read(struct store *store, enum store_table table, const char *key,
    size_t key_len, struct buf *value)
{
	return store->read(store, table, key, key_len, value);
}

/* Removes a row, if there is one. */
static inline void
store_remove(struct store *store, enum store_table table, const char *key,
    size_t key_len)
{
	store->remove(store, table, key, key_len);
}

/* Whether the greylist may insert a row. */
static inline bool
store_has_room(const struct store *store)
{
	uint64_t rows = 0;

	for (enum store_table table = 0; table < STORE_RECIPIENT; table++)
		rows += store->rows[table];
	return store->max_entries == 0 || rows < store->max_entries;
}
