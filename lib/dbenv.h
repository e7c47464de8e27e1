/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Berkeley DB environment: a folder with tables and a log, opened with
 * recovery, and what went wrong with it.
 *
 * It is transactional, has one user process and no locks: one thread changes
 * rows, while another may flush, write pages and set checkpoints.  Functions
 * return Berkeley DB's error numbers, which include errno; whoever gets one
 * tells it to dbenv_fail(), which keeps the first one.
 */
#pragma once

#include <db.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* The name of a folder that was moved aside. */
#define DBENV_ASIDE (PATH_MAX + 32)

struct dbenv {
	char home[PATH_MAX];
	/* NULL: closed. */
	DB_ENV *handle;
	/* The first error since it was opened, by either thread. */
	atomic_int error;
	/* An error of the surroundings came first: Berkeley DB reports only
	 * its own from then on. */
	atomic_bool innocent;
	/* Both threads, under the lock. */
	pthread_mutex_t lock;
	char message[ERR_TEXT / 4];
	struct err complaint;
};

/* Closed, in the folder `name` of `directory`, which must exist and whose path
 * must leave room for names. */
void dbenv_init(struct dbenv *env, const char *directory, const char *name);
void dbenv_finish(struct dbenv *env);

/* Makes the folder, if need be, opens the environment and recovers what the
 * last process left; earlier failures are forgotten.  On failure `*what` says
 * what could not be done; dbenv_close() is needed all the same.  Blocks. */
int dbenv_open(struct dbenv *env, uint64_t cache_size, const char **what);

/* Opens a B-tree, which is made when it is not there.  `*table` is to be closed
 * even on failure. */
int dbenv_open_table(struct dbenv *env, const char *file, DB **table);

/* Closes what is open, whatever state it is in, and sets it to NULL. */
void dbenv_close_table(DB **table);
void dbenv_close(struct dbenv *env);

/* Begins a transaction; `*txn` is NULL on failure. */
int dbenv_begin(struct dbenv *env, DB_TXN **txn);

/* Bytes as Berkeley DB's parameter, for the call; `len` is also the room for
 * what it writes there. */
DBT dbenv_borrow(const char *bytes, size_t len);

/* Remembers the first thing that went wrong.  Any thread. */
void dbenv_fail(struct dbenv *env, const char *what, int error);
bool dbenv_has_failed(const struct dbenv *env);

/* The surroundings are to blame, a full disk or the like: nothing is wrong with
 * the rows, and moving them aside would lose them for nothing. */
bool dbenv_is_innocent(const struct dbenv *env);

/* The surroundings will not mend by themselves: rights, a missing directory. */
bool dbenv_needs_somebody(const struct dbenv *env);

/* What went wrong, as a sentence.  Any thread. */
void dbenv_complaint(struct dbenv *env, struct err *err);

/* Gives the folder of a closed environment another name, which is written to
 * `aside`.  False when it cannot be, or when so many stand there already that
 * somebody should look first. */
bool dbenv_move_aside(struct dbenv *env, char aside[static DBENV_ASIDE]);

/* Undoes that; what stands in its place now is removed. */
void dbenv_move_back(struct dbenv *env, const char *aside);
