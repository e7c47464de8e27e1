/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps the replica like the directory: asks the directory process for a full
 * load or for the changes, and puts what it tells into the replica.
 *
 * There is a full load at the beginning, when the directory process says that
 * only one helps, and every `reconcile_interval`: some changes no server tells
 * (a deletion that the account may not see).  Between them the changes come by
 * themselves or are asked for every `sync_interval`.  What a turn of the loop
 * has put takes effect with its commit, together with the state that it leads
 * to; a process or a store that fails in between costs nothing but the load
 * under way.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "directory_child.h"
#include "err.h"
#include "replica.h"

struct replicator_policy {
	/* Seconds. */
	double sync_interval;
	/* 0: never. */
	double reconcile_interval;
};

struct replicator_status {
	/* The directory process is at work; since when, and what it has told so
	 * far. */
	bool running;
	bool full;
	uint64_t objects;
	time_t since;
	/* "" when all is well: why the last run failed; why the last full load
	 * was refused. */
	char problem[ERR_TEXT];
	char alarm[ERR_TEXT];
	/* Full loads and increments that came to their end, and that did not.
	 */
	uint64_t runs;
	uint64_t failures;
};

struct replicator;

/* Keeps child, whose sync socket is then its own, and replica. */
struct replicator *replicator_create(struct ev_loop *loop,
    struct directory_child *child, struct replica *replica,
    const struct replicator_policy *policy);

/* NULL is accepted. */
void replicator_destroy(struct replicator *replicator);

void replicator_configure(struct replicator *replicator,
    const struct replicator_policy *policy);

/* Asks for a run now; `force` lets the next full load shrink the replica. */
void replicator_sync(struct replicator *replicator, bool full, bool force);

const struct replicator_status *replicator_status(
    const struct replicator *replicator);
