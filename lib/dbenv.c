/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "dbenv.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	/* The log's buffer: a turn of the loop fits, so a commit is one
	 * write. */
	LOG_BUFFER = 1 << 20,
	LOG_FILE = 16 << 20,
	/* With 10 million rows a search reads three pages instead of five of
	 * the usual 4 KB, which makes it a third cheaper (measured); the rows
	 * take the same room. */
	PAGE_SIZE = 16 << 10,
	/* Folders moved aside that are kept for the administrator. */
	ASIDE_MAX = 5,
};

#define GIGABYTE ((uint64_t)1 << 30)

void
dbenv_init(struct dbenv *env, const char *directory, const char *name)
{
	*env = (struct dbenv){ .handle = NULL };
	snprintf(env->home, sizeof(env->home), "%s/%s", directory, name);
	pthread_mutex_init(&env->lock, NULL);
}

void
dbenv_finish(struct dbenv *env)
{
	pthread_mutex_destroy(&env->lock);
}

/* Berkeley DB says a sentence first and returns a number then: the sentence is
 * the better cause, and the first of several. */
static void
keep_message(const DB_ENV *handle, const char *prefix, const char *message)
{
	struct dbenv *env = handle->app_private;

	(void)prefix;
	pthread_mutex_lock(&env->lock);
	if (env->message[0] == '\0')
		snprintf(env->message, sizeof(env->message), "%s", message);
	pthread_mutex_unlock(&env->lock);
}

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
hear_event(DB_ENV *handle, uint32_t event, void *info)
{
	struct dbenv *env = handle->app_private;

	if (event == DB_EVENT_WRITE_FAILED ||
	    (event == DB_EVENT_PANIC && is_environmental(*(int *)info)))
		atomic_store(&env->innocent, true);
}

static int
configure(struct dbenv *env, uint64_t cache_size)
{
	DB_ENV *handle = env->handle;
	int error;

	handle->app_private = env;
	handle->set_errcall(handle, keep_message);
	error = handle->set_event_notify(handle, hear_event);
	if (error == 0)
		error = handle->set_cachesize(handle,
		    (uint32_t)(cache_size / GIGABYTE),
		    (uint32_t)(cache_size % GIGABYTE), 1);
	if (error == 0)
		error = handle->set_lg_bsize(handle, LOG_BUFFER);
	if (error == 0)
		error = handle->set_lg_max(handle, LOG_FILE);
	/* A commit hands the log to the operating system; a flush makes it
	 * durable. */
	if (error == 0)
		error = handle->set_flags(handle, DB_TXN_WRITE_NOSYNC, 1);
	if (error == 0)
		error = handle->log_set_config(handle, DB_LOG_AUTO_REMOVE, 1);
	return error;
}

int
dbenv_open(struct dbenv *env, uint64_t cache_size, const char **what)
{
	int error;

	atomic_store(&env->error, 0);
	atomic_store(&env->innocent, false);
	env->message[0] = '\0';
	*what = "cannot make the folder";
	if (mkdir(env->home, 0700) != 0 && errno != EEXIST) {
		error = errno;
		/* There are no rows yet that anything could be wrong with. */
		atomic_store(&env->innocent, true);
		return error;
	}
	*what = "cannot open the environment";
	error = db_env_create(&env->handle, 0);
	if (error != 0) {
		env->handle = NULL;
		return error;
	}
	error = configure(env, cache_size);
	if (error != 0)
		return error;
	return env->handle->open(env->handle, env->home,
	    DB_CREATE | DB_RECOVER | DB_PRIVATE | DB_THREAD | DB_INIT_TXN |
		DB_INIT_LOG | DB_INIT_MPOOL,
	    0600);
}

int
dbenv_open_table(struct dbenv *env, const char *file, DB **table)
{
	int error = db_create(table, env->handle, 0);

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

void
dbenv_close_table(DB **table)
{
	if (*table != NULL)
		(*table)->close(*table, DB_NOSYNC);
	*table = NULL;
}

void
dbenv_close(struct dbenv *env)
{
	if (env->handle != NULL)
		env->handle->close(env->handle, 0);
	env->handle = NULL;
}

int
dbenv_begin(struct dbenv *env, DB_TXN **txn)
{
	const int error = env->handle->txn_begin(env->handle, NULL, txn, 0);

	if (error != 0)
		*txn = NULL;
	return error;
}

/* Berkeley DB's parameter is not const, but it only reads. */
DBT
dbenv_borrow(const char *bytes, size_t len)
{
	DBT dbt = { 0 };

	memcpy(&dbt.data, &bytes, sizeof(bytes));
	dbt.size = dbt.ulen = (uint32_t)len;
	dbt.flags = DB_DBT_USERMEM;
	return dbt;
}

void
dbenv_fail(struct dbenv *env, const char *what, int error)
{
	int none = 0;

	if (is_environmental(error))
		atomic_store(&env->innocent, true);
	if (!atomic_compare_exchange_strong(&env->error, &none, error))
		return;
	pthread_mutex_lock(&env->lock);
	err_set(&env->complaint, "%s: %s: %s%s%s", env->home, what,
	    db_strerror(error), env->message[0] != '\0' ? ": " : "",
	    env->message);
	env->message[0] = '\0';
	pthread_mutex_unlock(&env->lock);
}

bool
dbenv_has_failed(const struct dbenv *env)
{
	return atomic_load_explicit(&env->error, memory_order_relaxed) != 0;
}

bool
dbenv_is_innocent(const struct dbenv *env)
{
	return atomic_load(&env->innocent);
}

bool
dbenv_needs_somebody(const struct dbenv *env)
{
	const int error = atomic_load(&env->error);

	return dbenv_is_innocent(env) &&
	       (error == EACCES || error == EPERM || error == ENOTDIR ||
		   error == ENOENT);
}

void
dbenv_complaint(struct dbenv *env, struct err *err)
{
	pthread_mutex_lock(&env->lock);
	*err = env->complaint;
	pthread_mutex_unlock(&env->lock);
}

bool
dbenv_move_aside(struct dbenv *env, char aside[static DBENV_ASIDE])
{
	for (int i = 1; i <= ASIDE_MAX; i++) {
		snprintf(aside, DBENV_ASIDE, "%s.broken-%d", env->home, i);
		if (access(aside, F_OK) != 0)
			return rename(env->home, aside) == 0;
	}
	return false;
}

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

void
dbenv_move_back(struct dbenv *env, const char *aside)
{
	remove_folder(env->home);
	/* If that fails, the store stays aside: the administrator has it. */
	(void)!rename(aside, env->home);
}
