/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store_bdb.h"

#include <db.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "dbenv.h"
#include "xalloc.h"

enum {
	/* A quiet store has its checkpoint after so many minutes. */
	CHECKPOINT_MINUTES = 5,
	/* Percent of the cache that is kept clean. */
	CLEAN_PAGES = 20,
	/* Failures that recovery did not cure, before the store is moved
	 * aside. */
	FAILURES_MAX = 3,
	/* The numbers of rows of all tables, as decimal text. */
	ROWS_TEXT = STORE_TABLES * 24,
};

struct store_bdb {
	struct store store;
	struct store_bdb_config config;
	/* While it is set the loop's thread uses what follows, and the
	 * housekeeping the environment; while not, the housekeeping alone.
	 * The loop clears it, the housekeeping sets it. */
	atomic_bool ready;
	struct dbenv env;
	DB *tables[STORE_TABLES];
	DB *meta;
	/* This turn's changes. */
	DB_TXN *txn;
	uint64_t saved_rows[STORE_TABLES];
	/* Failures since all rows were last read through. */
	unsigned failures;
};

static const char *const table_files[STORE_TABLES] = {
	[STORE_TRIPLET] = "triplet.db",
	[STORE_CLIENT] = "client.db",
	[STORE_RECIPIENT] = "recipient.db",
	[STORE_OBJECT] = "object.db",
	[STORE_SENDER] = "sender.db",
	[STORE_REPLICA] = "replica.db",
};

static struct store_bdb *
store_bdb_of(struct store *store)
{
	return container_of(store, struct store_bdb, store);
}

void
store_bdb_complaint(struct store_bdb *bdb, struct err *err)
{
	dbenv_complaint(&bdb->env, err);
}

static void
fail(struct store_bdb *bdb, const char *what, int error)
{
	dbenv_fail(&bdb->env, what, error);
}

static bool
is_usable(const struct store_bdb *bdb)
{
	return atomic_load_explicit(&bdb->ready, memory_order_acquire) &&
	       !dbenv_has_failed(&bdb->env);
}

bool
store_bdb_is_shut(const struct store_bdb *bdb)
{
	return !atomic_load_explicit(&bdb->ready, memory_order_acquire);
}

static enum store_status
read_row(struct store_bdb *bdb, struct store_get *get)
{
	DB *table = bdb->tables[get->table];
	DBT key = dbenv_borrow(get->key, get->key_len);
	DBT value = dbenv_borrow(get->value, sizeof(get->value));
	const int error = table->get(table, bdb->txn, &key, &value, 0);

	switch (error) {
	case 0:
		get->value_len = value.size;
		return STORE_FOUND;
	case DB_BUFFER_SMALL:
		/* Not a row of ours: its reader will refuse it. */
		get->value_len = 0;
		return STORE_FOUND;
	case DB_NOTFOUND:
		return STORE_MISSING;
	default:
		fail(bdb, "cannot read", error);
		return STORE_UNAVAILABLE;
	}
}

/* Makes sure that this turn has a transaction. */
static bool
begin(struct store_bdb *bdb)
{
	int error;

	if (!is_usable(bdb))
		return false;
	if (bdb->txn != NULL)
		return true;
	error = dbenv_begin(&bdb->env, &bdb->txn);
	if (error != 0)
		fail(bdb, "cannot begin a transaction", error);
	return error == 0;
}

/* Adds a row; STORE_FOUND when there is one already. */
static enum store_status
add_row(struct store_bdb *bdb, enum store_table which,
    const struct store_row *row)
{
	DBT key = dbenv_borrow(row->key, row->key_len);
	DBT value = dbenv_borrow(row->value, row->value_len);
	DB *table;
	int error;

	if (!begin(bdb))
		return STORE_UNAVAILABLE;
	table = bdb->tables[which];
	error = table->put(table, bdb->txn, &key, &value, DB_NOOVERWRITE);
	if (error == DB_KEYEXIST)
		return STORE_FOUND;
	if (error != 0) {
		fail(bdb, "cannot insert", error);
		return STORE_UNAVAILABLE;
	}
	bdb->store.rows[which]++;
	return STORE_MISSING;
}

static void
insert(struct store *store, enum store_table which, const struct store_row *row)
{
	add_row(store_bdb_of(store), which, row);
}

/* Finds a row or adds it, beginning with what is more likely to do: each is a
 * search of the tree. */
static enum store_status
find_or_add(struct store_bdb *bdb, struct store_get *get)
{
	const struct store_row row = {
		.key = get->key,
		.key_len = get->key_len,
		.value = get->absent,
		.value_len = get->absent_len,
	};
	enum store_status status;

	if (get->absent_len == 0)
		return read_row(bdb, get);
	if (get->likely_absent) {
		status = add_row(bdb, get->table, &row);
		return status == STORE_FOUND ? read_row(bdb, get) : status;
	}
	status = read_row(bdb, get);
	return status == STORE_MISSING ? add_row(bdb, get->table, &row)
				       : status;
}

static void
get(struct store *store, struct store_get *get)
{
	struct store_bdb *bdb = store_bdb_of(store);

	get->status =
	    is_usable(bdb) ? find_or_add(bdb, get) : STORE_UNAVAILABLE;
	get->lookup.done(&get->lookup);
}

static void
update(struct store *store, enum store_table which, const struct store_row *row)
{
	struct store_bdb *bdb = store_bdb_of(store);
	DBT key = dbenv_borrow(row->key, row->key_len);
	DBT value = dbenv_borrow(row->value, row->value_len);
	DB *table;
	int error;

	if (!begin(bdb))
		return;
	table = bdb->tables[which];
	error = table->put(table, bdb->txn, &key, &value, 0);
	if (error != 0)
		fail(bdb, "cannot update", error);
}

static enum store_status
read_value(struct store *store, enum store_table which, const char *key,
    size_t key_len, struct buf *value)
{
	struct store_bdb *bdb = store_bdb_of(store);
	DBT where = dbenv_borrow(key, key_len);
	DBT found = dbenv_borrow(buf_space(value), buf_room(value));
	DB *table;
	int error;

	if (!is_usable(bdb))
		return STORE_UNAVAILABLE;
	table = bdb->tables[which];
	error = table->get(table, bdb->txn, &where, &found, 0);
	if (error == DB_NOTFOUND)
		return STORE_MISSING;
	if (error == 0)
		buf_added(value, found.size);
	else if (error != DB_BUFFER_SMALL)
		fail(bdb, "cannot read", error);
	return error == 0 ? STORE_FOUND : STORE_UNAVAILABLE;
}

static void
remove_row(struct store *store, enum store_table which, const char *key,
    size_t key_len)
{
	struct store_bdb *bdb = store_bdb_of(store);
	DBT where = dbenv_borrow(key, key_len);
	DB *table;
	int error;

	if (!begin(bdb))
		return;
	table = bdb->tables[which];
	error = table->del(table, bdb->txn, &where, 0);
	if (error == 0 && bdb->store.rows[which] > 0)
		bdb->store.rows[which]--;
	else if (error != 0 && error != DB_NOTFOUND)
		fail(bdb, "cannot remove", error);
}

static struct store_row
row_of(const DBT *key, const DBT *value)
{
	return (struct store_row){
		.key = key->data,
		.key_len = key->size,
		.value = value->data,
		.value_len = value->size,
	};
}

/* Visits rows with an open Berkeley DB cursor; returns its error, DB_NOTFOUND
 * at the end of the table. */
static int
visit(struct store_bdb *bdb, enum store_table which, DBC *dbc,
    struct store_cursor *cursor, unsigned rows, struct store_visitor *visitor)
{
	DBT key = dbenv_borrow(cursor->key, cursor->key_len);
	DBT value = { 0 };
	int error;

	key.ulen = sizeof(cursor->key);
	error = dbc->get(dbc, &key, &value,
	    cursor->key_len > 0 ? DB_SET_RANGE : DB_FIRST);
	for (; error == 0 && rows > 0; rows--) {
		const struct store_row row = row_of(&key, &value);

		if (visitor->is_over(visitor, &row)) {
			error = dbc->del(dbc, 0);
			if (error != 0)
				break;
			bdb->store.rows[which] -=
			    bdb->store.rows[which] > 0 ? 1 : 0;
		}
		error = dbc->get(dbc, &key, &value, DB_NEXT);
	}
	if (error == 0)
		cursor->key_len = key.size;
	return error;
}

static enum store_scan
scan(struct store *store, enum store_table which, struct store_cursor *cursor,
    unsigned rows, struct store_visitor *visitor)
{
	struct store_bdb *bdb = store_bdb_of(store);
	DBC *dbc;
	int error;
	int close_error;

	if (!begin(bdb))
		return STORE_SCAN_UNAVAILABLE;
	error =
	    bdb->tables[which]->cursor(bdb->tables[which], bdb->txn, &dbc, 0);
	if (error == 0) {
		error = visit(bdb, which, dbc, cursor, rows, visitor);
		close_error = dbc->close(dbc);
		if (error == 0)
			error = close_error;
	}
	if (error == 0)
		return STORE_SCAN_MORE;
	if (error != DB_NOTFOUND) {
		fail(bdb, "cannot scan", error);
		return STORE_SCAN_UNAVAILABLE;
	}
	cursor->key_len = 0;
	/* Sweeps read the greylist's tables through in their order: now every
	 * row was read, and whatever failed before, recovery has cured. */
	if (which == STORE_CLIENT)
		bdb->failures = 0;
	return STORE_SCAN_END;
}

static int
put_meta(struct store_bdb *bdb, const char *name, const char *text)
{
	DBT key = dbenv_borrow(name, strlen(name));
	DBT value = dbenv_borrow(text, strlen(text));

	return bdb->meta->put(bdb->meta, bdb->txn, &key, &value, 0);
}

/* Reads a row of meta.db as a string; DB_NOTFOUND when there is none. */
static int
get_meta(struct store_bdb *bdb, const char *name, char *text, size_t size)
{
	DBT key = dbenv_borrow(name, strlen(name));
	DBT value = dbenv_borrow(text, size - 1);
	const int error = bdb->meta->get(bdb->meta, NULL, &key, &value, 0);

	if (error == 0)
		text[value.size] = '\0';
	return error;
}

/* Makes the number of rows part of the transaction that changes it. */
static void
save_rows(struct store_bdb *bdb)
{
	char memory[ROWS_TEXT];
	struct buf text;
	int error;

	if (memcmp(bdb->saved_rows, bdb->store.rows, sizeof(bdb->saved_rows)) ==
	    0)
		return;
	buf_init(&text, memory, sizeof(memory));
	for (enum store_table i = 0; i < STORE_TABLES; i++)
		buf_printf(&text, "%" PRIu64 " ", bdb->store.rows[i]);
	text.data[text.len - 1] = '\0';
	error = put_meta(bdb, "rows", text.data);
	if (error != 0)
		fail(bdb, "cannot save the number of rows", error);
	memcpy(bdb->saved_rows, bdb->store.rows, sizeof(bdb->saved_rows));
}

/* The loop's thread gives the store away; the housekeeping opens it again. */
static void
shut(struct store_bdb *bdb)
{
	if (bdb->txn != NULL)
		bdb->txn->abort(bdb->txn);
	bdb->txn = NULL;
	atomic_store_explicit(&bdb->ready, false, memory_order_release);
}

static bool
commit(struct store *store)
{
	struct store_bdb *bdb = store_bdb_of(store);
	int error;

	if (store_bdb_is_shut(bdb))
		return true;
	if (bdb->txn != NULL && is_usable(bdb))
		save_rows(bdb);
	if (bdb->txn != NULL && is_usable(bdb)) {
		error = bdb->txn->commit(bdb->txn, 0);
		bdb->txn = NULL;
		if (error != 0)
			fail(bdb, "cannot commit", error);
	}
	if (is_usable(bdb))
		return true;
	shut(bdb);
	return false;
}

struct store_bdb *
store_bdb_create(const struct store_bdb_config *config)
{
	struct store_bdb *bdb = xcalloc(1, sizeof(*bdb));

	bdb->config = *config;
	bdb->config.directory = NULL;
	dbenv_init(&bdb->env, config->directory, "store");
	bdb->store = (struct store){
		.get = get,
		.insert = insert,
		.update = update,
		.scan = scan,
		.commit = commit,
		.read = read_value,
		.remove = remove_row,
		.max_entries = config->max_entries,
	};
	return bdb;
}

struct store *
store_bdb_store(struct store_bdb *bdb)
{
	return &bdb->store;
}

/* Reads the numbers of rows; tables that a version before did not have are
 * empty. */
static bool
parse_rows(struct store_bdb *bdb, const char *text)
{
	char *end;

	for (enum store_table i = 0; i < STORE_TABLES && *text != '\0'; i++) {
		if (*text < '0' || *text > '9')
			return false;
		bdb->store.rows[i] = strtoull(text, &end, 10);
		text = *end == ' ' ? end + 1 : end;
	}
	return *text == '\0';
}

/* The number of rows that the last process saved. */
static int
read_rows(struct store_bdb *bdb)
{
	char text[ROWS_TEXT];
	const int error = get_meta(bdb, "rows", text, sizeof(text));

	memset(bdb->store.rows, 0, sizeof(bdb->store.rows));
	if (error == 0 && !parse_rows(bdb, text))
		return DB_VERIFY_BAD;
	memcpy(bdb->saved_rows, bdb->store.rows, sizeof(bdb->saved_rows));
	return error == DB_NOTFOUND ? 0 : error;
}

/* Closes what is open, whatever state it is in. */
static void
close_all(struct store_bdb *bdb)
{
	for (enum store_table i = 0; i < STORE_TABLES; i++)
		dbenv_close_table(&bdb->tables[i]);
	dbenv_close_table(&bdb->meta);
	dbenv_close(&bdb->env);
}

/* Checks that the rows are of our format; a new store becomes one of it.
 * Returns false, with `err` set, when they are of another. */
static bool
format_is_ours(struct store_bdb *bdb, int *error, struct err *err)
{
	char text[128] = "";
	char ours[32];

	snprintf(ours, sizeof(ours), "%d", STORE_BDB_FORMAT);
	*error = get_meta(bdb, "format", text, sizeof(text));
	if (*error == DB_NOTFOUND) {
		*error = put_meta(bdb, "format", ours);
		return true;
	}
	if (*error != DB_BUFFER_SMALL &&
	    (*error != 0 || strcmp(text, ours) == 0))
		return true;
	err_set(err,
	    "%s holds rows of format \"%s\", this policyd reads and writes "
	    "format %s: start the version that wrote it, or move the folder "
	    "away to begin with an empty store",
	    bdb->env.home, *error == 0 ? text : "unknown", ours);
	return false;
}

/* Opens the tables, once the format is known to be ours. */
static int
open_tables(struct store_bdb *bdb, const char **what)
{
	int error = 0;

	for (enum store_table i = 0; error == 0 && i < STORE_TABLES; i++) {
		*what = table_files[i];
		error = dbenv_open_table(&bdb->env, table_files[i],
		    &bdb->tables[i]);
	}
	if (error != 0)
		return error;
	*what = "cannot read meta.db";
	return read_rows(bdb);
}

/* Tries once. */
static enum store_bdb_result
try_open(struct store_bdb *bdb, struct err *err)
{
	const char *what;
	int error = dbenv_open(&bdb->env, bdb->config.cache_size, &what);

	if (error == 0) {
		what = "cannot open meta.db";
		error = dbenv_open_table(&bdb->env, "meta.db", &bdb->meta);
	}
	if (error == 0 && !format_is_ours(bdb, &error, err)) {
		close_all(bdb);
		return STORE_BDB_REFUSED;
	}
	if (error == 0)
		error = open_tables(bdb, &what);
	if (error == 0) {
		bdb->store.epoch++;
		atomic_store_explicit(&bdb->ready, true, memory_order_release);
		return STORE_BDB_OPENED;
	}
	fail(bdb, what, error);
	close_all(bdb);
	store_bdb_complaint(bdb, err);
	return dbenv_needs_somebody(&bdb->env) ? STORE_BDB_REFUSED
					       : STORE_BDB_AWAY;
}

/* Begins anew beside the old store, which comes back when even that fails. */
static enum store_bdb_result
recreate(struct store_bdb *bdb, struct err *err)
{
	const struct err cause = *err;
	enum store_bdb_result result;
	char aside[DBENV_ASIDE];

	if (!dbenv_move_aside(&bdb->env, aside)) {
		err_set(err,
		    "%s; it cannot be moved aside either: remove the folders "
		    "%s.broken-*",
		    cause.text, bdb->env.home);
		return STORE_BDB_AWAY;
	}
	result = try_open(bdb, err);
	if (result != STORE_BDB_OPENED) {
		dbenv_move_back(&bdb->env, aside);
		return result;
	}
	bdb->failures = 0;
	err_set(err, "%s: moved to %s, begun anew with an empty store",
	    cause.text, aside);
	return STORE_BDB_RECREATED;
}

enum store_bdb_result
store_bdb_open(struct store_bdb *bdb, struct err *err)
{
	enum store_bdb_result result;

	close_all(bdb);
	if (dbenv_has_failed(&bdb->env) && !dbenv_is_innocent(&bdb->env))
		bdb->failures++;
	if (bdb->failures >= FAILURES_MAX) {
		store_bdb_complaint(bdb, err);
		return recreate(bdb, err);
	}
	result = try_open(bdb, err);
	if (result != STORE_BDB_AWAY || dbenv_is_innocent(&bdb->env))
		return result;
	return recreate(bdb, err);
}

int
store_bdb_flush(struct store_bdb *bdb, struct err *err)
{
	DB_ENV *env = bdb->env.handle;
	const int error = env->log_flush(env, NULL);

	if (error == 0)
		return 0;
	fail(bdb, "cannot make the log durable", error);
	store_bdb_complaint(bdb, err);
	return -1;
}

int
store_bdb_tidy(struct store_bdb *bdb, struct err *err)
{
	DB_ENV *env = bdb->env.handle;
	const uint64_t kilobytes = bdb->config.checkpoint_size >> 10;
	int written;
	int error;

	error = env->memp_trickle(env, CLEAN_PAGES, &written);
	if (error == 0)
		error = env->txn_checkpoint(env,
		    kilobytes < UINT32_MAX ? (uint32_t)kilobytes : UINT32_MAX,
		    CHECKPOINT_MINUTES, 0);
	if (error == 0)
		error = env->log_archive(env, NULL, DB_ARCH_REMOVE);
	if (error == 0)
		return 0;
	fail(bdb, "cannot set a checkpoint", error);
	store_bdb_complaint(bdb, err);
	return -1;
}

void
store_bdb_abandon(struct store_bdb *bdb, struct err *err)
{
	char aside[DBENV_ASIDE];

	if (dbenv_move_aside(&bdb->env, aside))
		err_set(err, "%s is moved to %s", bdb->env.home, aside);
	else
		err_set(err, "%s cannot be moved aside", bdb->env.home);
}

/* All rows durable in their files, so that the next start has nothing to
 * recover. */
static void
finish(struct store_bdb *bdb)
{
	DB_ENV *env = bdb->env.handle;

	if (commit(&bdb->store) && env != NULL)
		env->txn_checkpoint(env, 0, 0, DB_FORCE);
}

void
store_bdb_destroy(struct store_bdb *bdb)
{
	if (bdb == NULL)
		return;
	finish(bdb);
	close_all(bdb);
	dbenv_finish(&bdb->env);
	free(bdb);
}
