/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forgets what is over.
 *
 * A row that has expired is ignored wherever it is read; the sweep gives its
 * place back.  It reads all tables through, a few rows at a time, told how many
 * and what time it is, so whoever calls it decides how much time a step may
 * take.  No index by time is kept for it: reading 10 million rows through costs
 * two seconds a sweep, an index would cost every decision.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "greylist.h"
#include "store.h"

struct expiry {
	struct store_visitor visitor;
	const struct greylist_policy *policy;
	time_t now;
	/* Where the sweep is. */
	enum store_table table;
	struct store_cursor cursor;
	/* Rows that were over. */
	uint64_t forgotten;
};

enum expiry_status {
	/* The store does not answer; go on later. */
	EXPIRY_UNAVAILABLE = 0,
	EXPIRY_MORE,
	/* Every row was seen. */
	EXPIRY_DONE,
};

/* At the beginning of a sweep. */
void expiry_begin(struct expiry *expiry);

/* Sees at most `rows` more rows and forgets those that are over at `now`.  The
 * changes are part of the store's next commit. */
enum expiry_status expiry_step(struct expiry *expiry, struct store *store,
    const struct greylist_policy *policy, time_t now, unsigned rows);
