/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store_bdb.h"

#include <db.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container.h"
#include "xalloc.h"

enum {
	/* The log's buffer: a turn of the loop fits, so a commit is one
	 * write. */
	LOG_BUFFER = 1 << 20,
	LOG_FILE = 16 << 20,
	/* With 10 million rows a search reads three pages instead of five of
	 * the usual 4 KB, which makes it a third cheaper (measured); the rows
	 * take the same room. */
	PAGE_SIZE = 16 << 10,
	/* A quiet store has its checkpoint after so many minutes. */
	CHECKPOINT_MINUTES = 5,
	/* Percent of the cache that is kept clean. */
	CLEAN_PAGES = 20,
	/* Failures that recovery did not cure, before the store is moved
	 * aside. */
	FAILURES_MAX = 3,
	/* Stores moved aside that are kept for the administrator. */
	BROKEN_STORES = 5,
};

struct store_bdb {
	struct store store;
	struct store_bdb_config config;
	char home[PATH_MAX];
	/* While it is set the loop's thread uses what follows, and the
	 * housekeeping the environment; while not, the housekeeping alone.
	 * The loop clears it, the housekeeping sets it. */
	atomic_bool ready;
	DB_ENV *env;
	DB *tables[STORE_TABLES];
	DB *meta;
	/* This turn's changes. */
	DB_TXN *txn;
	uint64_t saved_rows[STORE_TABLES];
	/* The first error since it was opened, by either thread: 0, an errno
	 * or one of Berkeley DB's. */
	atomic_int error;
	/* An error of the surroundings came first: Berkeley DB reports only
	 * its own then. */
	atomic_bool environmental;
	/* Failures since all rows were last read through. */
	unsigned failures;
	/* Both threads. */
	pthread_mutex_t complaint_lock;
	char message[ERR_TEXT / 4];
	struct err complaint;
};

static const char *const table_files[STORE_TABLES] = {
	[STORE_TRIPLET] = "triplet.db",
	[STORE_CLIENT] = "client.db",
};

static struct store_bdb *
store_bdb_of(struct store *store)
{
	return container_of(store, struct store_bdb, store);
}

/* Berkeley DB says a sentence first and returns a number then: the sentence is
 * the better cause. */
static void
keep_message(const DB_ENV *env, const char *prefix, const char *message)
{
	struct store_bdb *bdb = env->app_private;

	(void)prefix;
	pthread_mutex_lock(&bdb->complaint_lock);
	snprintf(bdb->message, sizeof(bdb->message), "%s", message);
	pthread_mutex_unlock(&bdb->complaint_lock);
}

/* Errors of the surroundings: nothing is wrong with the rows, and moving them
 * aside would lose them for nothing. */
static bool
is_environmental(int error)
{
	static const int errors[] = { ENOSPC, EDQUOT, EFBIG, EIO, EROFS, EMFILE,
		ENFILE, ENOMEM, ENODEV, EACCES, EPERM, ENOTDIR };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i] == error)
			return true;
	return false;
}

/* Berkeley DB says why it gives up before it returns DB_RUNRECOVERY for
 * everything. */
static void
hear_event(DB_ENV *env, uint32_t event, void *info)
{
	struct store_bdb *bdb = env->app_private;

	if (event == DB_EVENT_WRITE_FAILED ||
	    (event == DB_EVENT_PANIC && is_environmental(*(int *)info)))
		atomic_store(&bdb->environmental, true);
}

/* Remembers the first thing that went wrong. */
static void
fail(struct store_bdb *bdb, const char *what, int error)
{
	int none = 0;

	if (is_environmental(error))
		atomic_store(&bdb->environmental, true);
	if (!atomic_compare_exchange_strong(&bdb->error, &none, error))
		return;
	pthread_mutex_lock(&bdb->complaint_lock);
	err_set(&bdb->complaint, "%s: %s: %s%s%s", bdb->home, what,
	    db_strerror(error), bdb->message[0] != '\0' ? ": " : "",
	    bdb->message);
	bdb->message[0] = '\0';
	pthread_mutex_unlock(&bdb->complaint_lock);
}

void
store_bdb_complaint(struct store_bdb *bdb, struct err *err)
{
	pthread_mutex_lock(&bdb->complaint_lock);
	*err = bdb->complaint;
	pthread_mutex_unlock(&bdb->complaint_lock);
}

static bool
is_usable(const struct store_bdb *bdb)
{
	return atomic_load_explicit(&bdb->ready, memory_order_acquire) &&
	       atomic_load_explicit(&bdb->error, memory_order_relaxed) == 0;
}

bool
store_bdb_is_shut(const struct store_bdb *bdb)
{
	return !atomic_load_explicit(&bdb->ready, memory_order_acquire);
}

/* Berkeley DB's parameter is not const, but it only reads. */
static DBT
borrow(const char *bytes, size_t len)
{
	DBT dbt = { 0 };

	memcpy(&dbt.data, &bytes, sizeof(bytes));
	dbt.size = dbt.ulen = (uint32_t)len;
	dbt.flags = DB_DBT_USERMEM;
	return dbt;
}

static enum store_status
read_row(struct store_bdb *bdb, struct store_get *get)
{
	DB *table = bdb->tables[get->table];
	DBT key = borrow(get->key, get->key_len);
	DBT value = borrow(get->value, sizeof(get->value));
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
	error = bdb->env->txn_begin(bdb->env, NULL, &bdb->txn, 0);
	if (error != 0) {
		bdb->txn = NULL;
		fail(bdb, "cannot begin a transaction", error);
	}
	return error == 0;
}

/* Adds a row; STORE_FOUND when there is one already. */
static enum store_status
add_row(struct store_bdb *bdb, enum store_table which,
    const struct store_row *row)
{
	DBT key = borrow(row->key, row->key_len);
	DBT value = borrow(row->value, row->value_len);
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
	DBT key = borrow(row->key, row->key_len);
	DBT value = borrow(row->value, row->value_len);
	DB *table;
	int error;

	if (!begin(bdb))
		return;
	table = bdb->tables[which];
	error = table->put(table, bdb->txn, &key, &value, 0);
	if (error != 0)
		fail(bdb, "cannot update", error);
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
	DBT key = borrow(cursor->key, cursor->key_len);
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
	/* Tables are read through in their order: now every row was read, and
	 * whatever failed before, recovery has cured. */
	if (which == STORE_TABLES - 1)
		bdb->failures = 0;
	return STORE_SCAN_END;
}

static int
put_meta(struct store_bdb *bdb, const char *name, const char *text)
{
	DBT key = borrow(name, strlen(name));
	DBT value = borrow(text, strlen(text));

	return bdb->meta->put(bdb->meta, bdb->txn, &key, &value, 0);
}

/* Reads a row of meta.db as a string; DB_NOTFOUND when there is none. */
static int
get_meta(struct store_bdb *bdb, const char *name, char *text, size_t size)
{
	DBT key = borrow(name, strlen(name));
	DBT value = borrow(text, size - 1);
	const int error = bdb->meta->get(bdb->meta, NULL, &key, &value, 0);

	if (error == 0)
		text[value.size] = '\0';
	return error;
}

/* Makes the number of rows part of the transaction that changes it. */
static void
save_rows(struct store_bdb *bdb)
{
	char text[64];
	int error;

	if (memcmp(bdb->saved_rows, bdb->store.rows, sizeof(bdb->saved_rows)) ==
	    0)
		return;
	snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64,
	    bdb->store.rows[STORE_TRIPLET], bdb->store.rows[STORE_CLIENT]);
	error = put_meta(bdb, "rows", text);
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
	snprintf(bdb->home, sizeof(bdb->home), "%s/store", config->directory);
	pthread_mutex_init(&bdb->complaint_lock, NULL);
	bdb->store = (struct store){
		.get = get,
		.insert = insert,
		.update = update,
		.scan = scan,
		.commit = commit,
		.max_entries = config->max_entries,
	};
	return bdb;
}

struct store *
store_bdb_store(struct store_bdb *bdb)
{
	return &bdb->store;
}

/* The number of rows that the last process saved. */
static int
read_rows(struct store_bdb *bdb)
{
	char text[64];
	const int error = get_meta(bdb, "rows", text, sizeof(text));

	memset(bdb->store.rows, 0, sizeof(bdb->store.rows));
	if (error == 0 && sscanf(text, "%" SCNu64 " %" SCNu64,
			      &bdb->store.rows[STORE_TRIPLET],
			      &bdb->store.rows[STORE_CLIENT]) != 2)
		return DB_VERIFY_BAD;
	memcpy(bdb->saved_rows, bdb->store.rows, sizeof(bdb->saved_rows));
	return error == DB_NOTFOUND ? 0 : error;
}

static int
open_table(struct store_bdb *bdb, const char *file, DB **table)
{
	int error = db_create(table, bdb->env, 0);

	if (error != 0) {
		*table = NULL;
		return error;
	}
	error = (*table)->set_pagesize(*table, PAGE_SIZE);
	if (error != 0)
		return error;
	return (*table)->open(*table, NULL, file, NULL, DB_BTREE,
	    DB_CREATE | DB_AUTO_COMMIT, 0600);
}

static int
open_env(struct store_bdb *bdb)
{
	const uint64_t gigabyte = 1 << 30;
	int error = db_env_create(&bdb->env, 0);
	DB_ENV *env = bdb->env;

	if (error != 0) {
		bdb->env = NULL;
		return error;
	}
	env->app_private = bdb;
	env->set_errcall(env, keep_message);
	env->set_event_notify(env, hear_event);
	error = env->set_cachesize(env,
	    (uint32_t)(bdb->config.cache_size / gigabyte),
	    (uint32_t)(bdb->config.cache_size % gigabyte), 1);
	if (error == 0)
		error = env->set_lg_bsize(env, LOG_BUFFER);
	if (error == 0)
		error = env->set_lg_max(env, LOG_FILE);
	/* A commit hands the log to the operating system; the housekeeping
	 * makes it durable. */
	if (error == 0)
		error = env->set_flags(env, DB_TXN_WRITE_NOSYNC, 1);
	if (error == 0)
		error = env->log_set_config(env, DB_LOG_AUTO_REMOVE, 1);
	/* No locks: one thread changes rows.  PRIVATE: one process. */
	if (error == 0)
		error = env->open(env, bdb->home,
		    DB_CREATE | DB_RECOVER | DB_PRIVATE | DB_THREAD |
			DB_INIT_TXN | DB_INIT_LOG | DB_INIT_MPOOL,
		    0600);
	return error;
}

/* Closes what is open, whatever state it is in. */
static int
close_all(struct store_bdb *bdb)
{
	int error = 0;

	for (enum store_table i = 0; i < STORE_TABLES; i++) {
		if (bdb->tables[i] != NULL)
			bdb->tables[i]->close(bdb->tables[i], DB_NOSYNC);
		bdb->tables[i] = NULL;
	}
	if (bdb->meta != NULL)
		bdb->meta->close(bdb->meta, DB_NOSYNC);
	bdb->meta = NULL;
	if (bdb->env != NULL)
		error = bdb->env->close(bdb->env, 0);
	bdb->env = NULL;
	return error;
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
	    bdb->home, *error == 0 ? text : "unknown", ours);
	return false;
}

/* Opens the tables, once the format is known to be ours. */
static int
open_tables(struct store_bdb *bdb, const char **what)
{
	int error = 0;

	for (enum store_table i = 0; error == 0 && i < STORE_TABLES; i++) {
		*what = table_files[i];
		error = open_table(bdb, table_files[i], &bdb->tables[i]);
	}
	if (error != 0)
		return error;
	*what = "cannot read meta.db";
	return read_rows(bdb);
}

/* Errors that do not go away by themselves. */
static bool
needs_somebody(int error)
{
	return error == EACCES || error == EPERM || error == ENOTDIR ||
	       error == ENOENT;
}

/* The folder cannot be made: nothing is wrong with any rows. */
static enum store_bdb_result
refuse_folder(struct store_bdb *bdb, struct err *err)
{
	const int error = errno;

	atomic_store(&bdb->environmental, true);
	fail(bdb, "cannot make the folder", error);
	store_bdb_complaint(bdb, err);
	return needs_somebody(error) ? STORE_BDB_REFUSED : STORE_BDB_AWAY;
}

/* Tries once; what fails may be tried again when the surroundings are to blame
 * and `environmental` is set. */
static enum store_bdb_result
try_open(struct store_bdb *bdb, struct err *err)
{
	const char *what = "cannot open the environment";
	int error;

	atomic_store(&bdb->error, 0);
	atomic_store(&bdb->environmental, false);
	if (mkdir(bdb->home, 0700) != 0 && errno != EEXIST)
		return refuse_folder(bdb, err);
	error = open_env(bdb);
	if (error == 0) {
		what = "cannot open meta.db";
		error = open_table(bdb, "meta.db", &bdb->meta);
	}
	if (error == 0 && !format_is_ours(bdb, &error, err)) {
		close_all(bdb);
		return STORE_BDB_REFUSED;
	}
	if (error == 0)
		error = open_tables(bdb, &what);
	if (error == 0) {
		atomic_store_explicit(&bdb->ready, true, memory_order_release);
		return STORE_BDB_OPENED;
	}
	fail(bdb, what, error);
	close_all(bdb);
	store_bdb_complaint(bdb, err);
	return error != ENOENT && needs_somebody(error) ? STORE_BDB_REFUSED
							: STORE_BDB_AWAY;
}

/* Gives the folder another name.  Returns false when it cannot be, or when so
 * many stand there already that somebody should look first. */
static bool
move_aside(struct store_bdb *bdb, char *aside, size_t size)
{
	for (int i = 1; i <= BROKEN_STORES; i++) {
		snprintf(aside, size, "%s.broken-%d", bdb->home, i);
		if (access(aside, F_OK) == 0)
			continue;
		return rename(bdb->home, aside) == 0;
	}
	return false;
}

/* Removes a folder with the files in it. */
static void
remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(folder);
}

/* Begins anew beside the old store, which comes back when even that fails. */
static enum store_bdb_result
recreate(struct store_bdb *bdb, struct err *err)
{
	const struct err cause = *err;
	enum store_bdb_result result;
	char aside[PATH_MAX + 32];

	if (!move_aside(bdb, aside, sizeof(aside))) {
		err_set(err,
		    "%s; it cannot be moved aside either: remove "
		    "the folders %s.broken-*",
		    cause.text, bdb->home);
		return STORE_BDB_AWAY;
	}
	result = try_open(bdb, err);
	if (result != STORE_BDB_OPENED) {
		remove_folder(bdb->home);
		rename(aside, bdb->home);
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
	if (atomic_load(&bdb->error) != 0 && !atomic_load(&bdb->environmental))
		bdb->failures++;
	if (bdb->failures >= FAILURES_MAX) {
		store_bdb_complaint(bdb, err);
		return recreate(bdb, err);
	}
	result = try_open(bdb, err);
	if (result != STORE_BDB_AWAY || atomic_load(&bdb->environmental))
		return result;
	return recreate(bdb, err);
}

int
store_bdb_flush(struct store_bdb *bdb, struct err *err)
{
	int error = bdb->env->log_flush(bdb->env, NULL);

	if (error == 0)
		return 0;
	fail(bdb, "cannot make the log durable", error);
	store_bdb_complaint(bdb, err);
	return -1;
}

int
store_bdb_tidy(struct store_bdb *bdb, struct err *err)
{
	DB_ENV *env = bdb->env;
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

/* All rows durable in their files, so that the next start has nothing to
 * recover. */
static void
finish(struct store_bdb *bdb)
{
	if (commit(&bdb->store) && bdb->env != NULL)
		bdb->env->txn_checkpoint(bdb->env, 0, 0, DB_FORCE);
}

void
store_bdb_destroy(struct store_bdb *bdb)
{
	if (bdb == NULL)
		return;
	finish(bdb);
	close_all(bdb);
	pthread_mutex_destroy(&bdb->complaint_lock);
	free(bdb);
}
